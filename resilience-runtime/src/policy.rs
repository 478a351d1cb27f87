//! Local policies: no store, no runtime.
//!
//! Each is a value that a `const` or a `static` item can hold, so that a policy which makes no
//! sense does not compile. The constructors and builders panic, with a sentence, for exactly that
//! purpose: in an item the panic is a compile error. Nothing else here panics, but for a
//! [`Replay`](replay::Replay) that is asked for an argument after the last attempt has had it.
//!
//! Generated code wraps the body from the inside out, in the order of the attributes, one call per
//! layer:
//!
//! | attribute | layer |
//! |---|---|
//! | `#[timeout]` | [`Timeout::limit`](timeout::Timeout::limit) |
//! | `#[circuit_breaker]` | [`CircuitBreaker::guard`](circuit_breaker::CircuitBreaker::guard) |
//! | `#[bulkhead]` | [`Bulkhead::enter`](bulkhead::Bulkhead::enter) |
//! | `#[rate_limit]` | [`RateLimit::admit`](rate_limit::RateLimit::admit) |
//! | `#[single_flight]` | [`SingleFlight::share`](single_flight::SingleFlight::share) |
//! | `#[hedge]` | [`Hedge::race`](hedge::Hedge::race), of what makes the futures inside |
//! | `#[retry]` | a loop that asks [`Attempts::settle`](retry::Attempts::settle) |
//! | `#[fallback]` | a branch that asks [`Fallback::needed`](fallback::Fallback::needed) |
//!
//! The wrapping futures hold the wrapped one in place: no box, no allocation, but for the further
//! attempts of a hedge, and for calls that share a flight.

pub mod bulkhead;
pub mod circuit_breaker;
pub mod deadline;
pub mod fallback;
pub mod hedge;
mod identity;
mod in_use;
pub mod keyed_lock;
mod line;
pub(crate) mod names;
pub mod rate_limit;
pub mod replay;
pub mod retry;
pub mod single_flight;
pub mod switch;
pub mod timeout;
mod timer;
pub(crate) mod until;
pub mod verify;
