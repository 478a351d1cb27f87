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

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::policy::circuit_breaker::state::{State, Verdict};

    #[test]
    fn a_breaker_that_opens_while_its_first_call_looks_for_the_others_stays_open() {
        static ONE: CircuitBreaker = CircuitBreaker::named("raced").failure_threshold(1);
        static OTHER: CircuitBreaker = CircuitBreaker::named("raced").failure_threshold(1);
        // The first call of `ONE` has got as far as this on its thread, …
        first(&ONE);
        // … when a call through `OTHER` fails on another, …
        let Ok((breaker, ticket)) = OTHER.admit_slowly() else {
            panic!("a new breaker is closed");
        };
        breaker.settle(ticket, Verdict::Failure { at: Instant::now() });
        // … and now it comes to its end.
        ONE.first();
        assert!(ONE.admit_when_quiet().is_none());
        assert_eq!(ONE.state(), State::Open);
    }
}
