//! Local policies: no store, no runtime.
//!
//! Each is a value that a `const` or a `static` item can hold, so that a policy which makes no
//! sense does not compile. The constructors and builders panic, with a sentence, for exactly that
//! purpose: in an item the panic is a compile error. Nothing else here panics.
//!
//! Generated code wraps the body from the inside out, one call per layer:
//! [`Timeout::limit`](timeout::Timeout::limit),
//! [`CircuitBreaker::guard`](circuit_breaker::CircuitBreaker::guard), and around both a loop that
//! asks [`Attempts::settle`](retry::Attempts::settle). The wrapping futures hold the wrapped one
//! in place: no box, no allocation.

pub mod bulkhead;
pub mod circuit_breaker;
pub mod deadline;
pub mod fallback;
pub mod hedge;
mod identity;
mod line;
pub(crate) mod names;
pub mod rate_limit;
pub mod replay;
pub mod retry;
pub mod switch;
pub mod timeout;
mod timer;
pub mod verify;
