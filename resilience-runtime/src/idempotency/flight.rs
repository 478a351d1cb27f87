//! The calls that run in this process, by key.
//!
//! Duplicates inside one process meet here before they reach the store: the first one *leads*, asks
//! the store and runs; the others *follow* and are woken with what became of it. So a process
//! never has more than one claim per key at the store.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::idempotency::key::Sealed;
use crate::idempotency::store::Record;
use crate::key::Digest;
use crate::lease::kept::Left;

/// The running calls. An entry lives as long as its leader, so that memory is bounded by the number
/// of keys that are running.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<Digest, Flight>>>);

struct Flight {
    fingerprint: Digest,
    landing: watch::Receiver<Option<Landing>>,
    lease: Option<Holding>,
    /// Whether the store has bound the key to these arguments, as far as the leader was told.
    is_bound: bool,
    /// Dropped when it is: those with other arguments hear of it so.
    strangers: Option<watch::Sender<()>>,
}

/// Who has the key at the store, and for how long.
pub(super) enum Holding {
    /// The leader, which renews it.
    Here(Left),
    /// A call in another process, as the leader was told.
    Elsewhere(Instant),
}

/// What became of a leader.
#[derive(Debug, Clone)]
pub(super) enum Landing {
    /// The operation is done; this is what is kept of it.
    Finished(Record),
    /// The operation ran, and its result could not be kept, for this reason. The followers must not
    /// run it again.
    NotRecorded(Arc<str>),
    /// The leader failed, or was dropped: the key is free.
    Released,
}

/// The answer to [`Flights::board`].
pub(super) enum Boarding {
    /// This call is the first.
    Leading(Leader),
    /// Another call runs.
    Following(Follower),
    /// Another call runs, with this key and other arguments.
    Mismatch,
    /// Another call, with this key and other arguments, has asked the store. Either of the two may be the one whose
    /// arguments the key is bound to: that is known, and this call asks again, when the receiver says that its sender
    /// is gone.
    Undecided(watch::Receiver<()>),
}

impl Flights {
    /// Joins the call that runs under this key, or becomes it.
    pub(super) fn board(&self, key: Sealed) -> Boarding {
        match self.lock().entry(key.digest) {
            Entry::Occupied(mut flight) if flight.get().fingerprint != key.fingerprint => {
                let flight = flight.get_mut();
                if flight.is_bound {
                    return Boarding::Mismatch;
                }
                let strangers = flight.strangers.get_or_insert_default();
                Boarding::Undecided(strangers.subscribe())
            }
            Entry::Occupied(flight) => Boarding::Following(Follower(flight.get().landing.clone())),
            Entry::Vacant(place) => {
                let (sender, landing) = watch::channel(None);
                place.insert(Flight {
                    fingerprint: key.fingerprint,
                    landing,
                    lease: None,
                    is_bound: false,
                    strangers: None,
                });
                Boarding::Leading(Leader {
                    flights: self.clone(),
                    key: key.digest,
                    landing: Some(sender),
                })
            }
        }
    }

    /// What is left of the lease under which the call of this key runs, where that is known.
    pub(super) fn lease_left(&self, key: Digest) -> Option<Duration> {
        match self.lock().get(&key)?.lease.as_ref()? {
            Holding::Here(left) => Some(left.now()),
            Holding::Elsewhere(until) => Some(until.saturating_duration_since(Instant::now())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// The call that runs. When it is dropped the place is free, and the followers are woken: with
/// [`Landing::Released`] unless [`land`](Self::land) said something else.
pub(super) struct Leader {
    flights: Flights,
    key: Digest,
    /// Until it has landed.
    landing: Option<watch::Sender<Option<Landing>>>,
}

impl Leader {
    /// The key is bound to the arguments of this call: those with other ones need not wait for its end.
    pub(super) fn is_bound(&self) {
        if let Some(flight) = self.flights.lock().get_mut(&self.key) {
            flight.is_bound = true;
            flight.strangers = None;
        }
    }

    /// Tells the followers who has the key, in case they stop waiting.
    pub(super) fn knows(&self, holding: Holding) {
        if let Some(flight) = self.flights.lock().get_mut(&self.key) {
            flight.lease = Some(holding);
        }
    }

    /// Wakes the followers with `landing`.
    pub(super) fn land(mut self, landing: Landing) {
        self.leave(landing);
    }

    fn leave(&mut self, landing: Landing) {
        if let Some(followers) = self.landing.take() {
            // Before they are woken, so that they find the place free.
            self.flights.lock().remove(&self.key);
            followers.send_replace(Some(landing));
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.leave(Landing::Released);
    }
}

/// A call that waits for the leader. Dropping it leaves nothing behind.
pub(super) struct Follower(watch::Receiver<Option<Landing>>);

impl Follower {
    /// Waits for the leader's end. Cancel safe.
    pub(super) async fn landed(&mut self) -> Landing {
        let landing = self.0.wait_for(Option::is_some).await;
        landing
            .ok()
            .and_then(|landing| (*landing).clone())
            .unwrap_or(Landing::Released)
    }
}
