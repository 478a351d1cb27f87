//! The circuit breaker, as its callers see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in a helper fails the test, too"
)]

mod events;
mod judging;
mod keyed;
mod manual;
mod names;
mod probes;
mod recovery;
mod states;
mod support;
mod threads;
mod windows;
