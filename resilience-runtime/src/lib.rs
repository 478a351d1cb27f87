//! The runtime behind the attributes of the `resilience` crate: the code that they generate calls this crate.
//!
//! Depend on `resilience`, not on this crate: it re-exports everything that users name. The modules:
//!
//! | module | concern |
//! |---|---|
//! | [`error`], [`outcome`] | what a call returns through a stack of policies |
//! | [`classify`] | what the errors of a type mean to the policies |
//! | [`policy`] | retry, circuit breaker, timeout and the others: local, no store |
//! | [`catalog`] | every annotated function of the process |
//! | [`telemetry`] | spans, events and metrics |
//! | [`key`] | how the keys of records, locks and flights are made |
//! | [`lease`], [`invocation`] | what a process holds in a store, and what a body can ask about its own run |
//! | [`idempotency`] | one execution per key |
//! | [`lock`] | one execution at a time per key, on one store or on a majority of nodes |
//! | [`saga`] | journaled steps with compensation, recovery |
//! | [`dlq`] | the dead letter queue: work that failed for good |
//! | [`registry`], [`arguments`] | finding a function again by its name, and its journaled arguments |
//! | `core` | what these modules share while a runtime is open |
//! | [`runtime`] | opening, background work, shutdown |
//! | [`store`] | the backends: memory, SQLite, PostgreSQL, Redis |
//!
//! Dependencies go one way. `store` implements the traits that `idempotency`, `lock`, `saga` and `dlq`
//! define. Those four work on the `core`; `runtime` opens it and wires them together. Nothing in
//! `policy` knows that a store exists. `order`, `recursion`, `pauses` and `json` are small tools that
//! several modules use.

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

/// A boxed `Send` future. The store traits return it, so that a runtime can hold any store.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
