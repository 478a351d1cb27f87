//! What the attributes of the `resilience` crate expand to.
//!
//! Users depend on `resilience`, which re-exports what they name from here. The map:
//!
//! | module | concern |
//! |---|---|
//! | [`error`], [`outcome`] | what a call passes through on its way out of a stack of policies |
//! | [`classify`] | what the errors of a type mean to the policies |
//! | [`policy`] | retry, circuit breaker, timeout and the others: local, no store |
//! | [`catalog`] | every annotated function of the process |
//! | [`telemetry`] | spans, events and metrics |
//! | [`key`] | what the keys of records, locks and flights are made of |
//! | [`lease`], [`invocation`] | what a process holds at a store, and what the body that holds it can learn |
//! | [`idempotency`] | one execution per key |
//! | [`lock`] | one execution at a time per key, on one store or on a majority of nodes |
//! | [`saga`] | journaled steps with compensation, recovery |
//! | [`dlq`] | work that failed for good |
//! | [`registry`], [`arguments`] | finding a function again by its name, with its arguments |
//! | `core` | what the concerns share while a runtime is open |
//! | [`runtime`] | opening, background work, shutting down |
//! | [`store`] | the backends: memory, SQLite, PostgreSQL, Redis |
//!
//! Dependencies go one way: `store` implements the traits that the concerns define, the concerns
//! work on the `core`, `runtime` opens it and wires them, and nothing in `policy` knows that a store
//! exists. `order`, `recursion`, `pauses` and `json` are small tools of more than one of them.

pub mod arguments;
pub mod catalog;
pub mod classify;
mod core;
pub mod dlq;
pub mod error;
pub mod idempotency;
pub mod invocation;
mod json;
pub mod key;
pub mod lease;
pub mod lock;
pub mod operator;
pub mod order;
pub mod outcome;
mod pauses;
pub mod policy;
#[doc(hidden)]
pub mod private;
mod recursion;
pub mod registry;
pub mod runtime;
pub mod saga;
pub mod store;
mod sync;
pub mod telemetry;
pub mod timestamp;
mod words;

/// A boxed future that can be sent: what the store traits answer with, so that a runtime can hold
/// any store.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
