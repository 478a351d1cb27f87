//! The circuit breaker, as its callers see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in a helper fails the test, too"
)]

mod events;
mod names;
mod probes;
mod states;
mod support;
