//! Breakers that share a name share a state.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::CircuitBreaker;

/// The breaker that was used first, for every name. At most one entry per `static`.
static FIRST: Mutex<BTreeMap<&'static str, &'static CircuitBreaker>> = Mutex::new(BTreeMap::new());

/// The breaker that was used first under the name of `breaker`: that one, or `breaker` itself.
pub(super) fn first(breaker: &'static CircuitBreaker) -> &'static CircuitBreaker {
    FIRST
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(breaker.name)
        .or_insert(breaker)
}
