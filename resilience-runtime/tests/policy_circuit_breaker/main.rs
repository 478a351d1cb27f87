//! The circuit breaker, as its callers see it.

mod names;
mod probes;
mod states;
mod support;
