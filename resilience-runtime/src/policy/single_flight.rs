//! `#[single_flight]`: calls with the same key that arrive while one of them runs share its answer.

mod group;
mod key;
mod landed;

use std::fmt;
use std::time::Duration;

use super::identity::{self, Identity, Shared};
use super::names::Names;
use super::switch::{PolicyMode, Switch};
use crate::catalog::{Policy, PolicyKind};
use crate::error::Error;
use crate::key::KeyValue;
use crate::outcome::{Answer, Errors, Function, Joined, Outcome, Refusal};
use crate::telemetry::{meter, names};
use group::Boarded;
use key::FlightId;
use landed::Landed;

pub use group::SingleFlightGroup;
pub use key::FlightKey;

/// The flights that were used first, for every name.
static NAMES: Names<SingleFlight> = Names::new();

/// The policy of `#[single_flight]`: calls with the same key that arrive while one of them runs share its answer.
///
/// ```
/// # use resilience_runtime::policy::single_flight::SingleFlight;
/// static PRICES: SingleFlight = SingleFlight::named("prices");
/// ```
///
/// It works within this process, like [`SingleFlightGroup`], and keeps only the keys of calls that are running.
///
/// # Names
///
/// All policies that are made with [`SingleFlight::named`] and the same name are one policy, so different functions can
/// share calls if they return the same type. Two instances of a generic function never share a call.
///
/// # Switched off
///
/// While it only counts, every call runs; those that would have joined another one are counted.
pub struct SingleFlight {
    identity: Identity<Self>,
    flights: SingleFlightGroup<FlightId, Landed>,
    switch: Switch,
}

impl SingleFlight {
    /// The policy of one function, whose calls are shared with no other function.
    #[must_use]
    pub const fn for_function(path: &'static str) -> Self {
        Self::new(Identity::for_function(path))
    }

    /// A policy whose calls are shared with all others of this name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        Self::new(Identity::named(name))
    }

    const fn new(identity: Identity<Self>) -> Self {
        Self {
            identity,
            flights: SingleFlightGroup::new(),
            switch: Switch::new(),
        }
    }

    /// The key of a call: the value in canonical form, as for `#[idempotent]`, except that it may be empty. A value
    /// that cannot be serialised is reported by [`share`](Self::share).
    pub fn key<K: KeyValue + ?Sized>(&self, value: &K) -> FlightKey {
        FlightKey::of(value)
    }

    /// The number of keys for which a call is running, over all policies of this name.
    #[must_use]
    pub fn running(&'static self) -> usize {
        self.first().flights.len()
    }

    /// Runs `call`, or joins a running call with the same `key` and returns its answer.
    ///
    /// The calls that joined get a clone of the value or the error. If the error cannot be cloned, they get
    /// [`Error::JoinedFailure`] with its text. A call inside the one that it would join gets [`Error::Recursive`], a
    /// call whose deadline came first [`Error::DeadlineTooClose`], and a call whose key cannot be serialised
    /// [`Error::Encode`].
    ///
    /// # Cancellation
    /// If the future is dropped while it runs `call`, `call` is dropped, and a waiting call runs its own. If it is dropped
    /// while it waits, it leaves nothing behind. A panic has the same effect as a drop.
    pub fn share<C, T, E>(
        &'static self,
        key: FlightKey,
        call: C,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
        joined: Joined<T, E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let call = Box::pin(call);
        async move {
            let mode = self.switch.mode();
            if mode == PolicyMode::Disabled {
                return call.await.into_answer();
            }
            // Functions that share a name have calls of other types, and the same result.
            let instance = match self.identity.own_name() {
                Some(_) => typeid::of::<Result<T, E>>(),
                None => typeid::of::<C>(),
            };
            let id = match key.id(instance, function.name) {
                Ok(id) => id,
                Err(_) if mode == PolicyMode::Shadow => return call.await.into_answer(),
                Err(error) => return Answer::refused(error, Refusal::Final, &function),
            };
            let (flight, others) = self.first().flights.enter(id);
            if mode == PolicyMode::Shadow {
                if others > 0 {
                    self.switch
                        .note(PolicyKind::SingleFlight, self.identity.name());
                }
                let answer = call.await.into_answer();
                drop(flight);
                return answer;
            }
            let id = flight.key().clone();
            match group::board(flight).await {
                Ok(Boarded::Leads(leader)) => {
                    let answer = leader.held().during(call).await.into_answer();
                    leader.land(|| Landed::of(&answer, &errors, &joined));
                    answer
                }
                Ok(Boarded::Joined(landed)) => {
                    meter::count(names::SINGLE_FLIGHT_JOINED, "function", function.name);
                    landed.answer(&function, &joined)
                }
                Err(refused) => {
                    let error = refused.into_error(function.name, function.name, || id.words());
                    self.refusal(error, &function)
                }
            }
        }
    }

    #[cold]
    fn refusal<T, E>(&self, error: Error, function: &Function<Result<T, E>>) -> Answer<T, E> {
        let refusal = match error {
            Error::Recursive { .. } => Refusal::Final,
            _ => Refusal::Rejected { retry_after: None },
        };
        tracing::debug!(target: "resilience", flights = self.identity.name(), function = function.name, %error, "not joined");
        Answer::refused(error, refusal, function)
    }

    /// The one whose calls these are. There are no options, so that no two of one name can differ.
    fn first(&'static self) -> &'static Self {
        identity::first(self).unwrap_or(self)
    }
}

impl Shared for SingleFlight {
    const KIND: &'static str = "single flight";

    fn identity(&self) -> &Identity<Self> {
        &self.identity
    }

    fn names() -> &'static Names<Self> {
        &NAMES
    }

    fn is_configured_like(&self, _other: &Self) -> bool {
        true
    }
}

impl Policy for SingleFlight {
    fn kind(&self) -> PolicyKind {
        PolicyKind::SingleFlight
    }

    fn name(&self) -> Option<&'static str> {
        self.identity.own_name()
    }

    fn namespace(&self) -> &'static str {
        Self::KIND
    }

    fn describe(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    /// Without a bound: the calls that this one joins may be dropped, one after the other.
    fn worst_case(&self, _inner: Option<Duration>) -> Option<Duration> {
        None
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

impl fmt::Debug for SingleFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight")
            .field("name", &self.identity)
            .field("flights", &self.flights)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
