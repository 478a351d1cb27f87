//! Calls with the same key that share one execution.

use std::fmt;
use std::hash::Hash;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::error::Error;
use crate::policy::in_use::{InUse, Use, words};
use crate::policy::until::{Until, deadline_passed};
use crate::recursion::Held;

/// What errors call it.
const NAME: &str = "SingleFlightGroup";

/// Lets calls with the same key that arrive while one of them runs share its answer.
///
/// ```
/// # use resilience_runtime::policy::single_flight::SingleFlightGroup;
/// static PRICES: SingleFlightGroup<u64, u32> = SingleFlightGroup::new();
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ask = |item| PRICES.run(item, async move {
///     tokio::task::yield_now().await; // asks a server, once
///     item as u32 * 100
/// });
/// let (first, second) = tokio::join!(ask(7), ask(7));
/// assert_eq!((first.unwrap(), second.unwrap()), (700, 700));
/// # }
/// ```
///
/// The first call *leads*: it runs its future and returns the answer. Calls that arrive meanwhile *join*, and get a clone
/// of the answer. Nothing is remembered after the end: a call that arrives later runs its own future. If the leader is
/// dropped or panics, the others are not affected: the call that joined first runs its own future and leads.
///
/// It needs neither a [`Runtime`](crate::runtime::Runtime) nor a store. A clone is another handle to the same calls.
///
/// # Deadlines and recursion
///
/// A call that joined waits until its [`deadline`](crate::policy::deadline::deadline); without a deadline it waits as long
/// as the leader takes. A leader that is no longer polled, but not dropped either, holds up the others. A future that asks
/// for its own key gets [`Error::Recursive`], because it would wait for itself. A future that asks from a task of its own
/// is not recognised and does wait.
pub struct SingleFlightGroup<K, V> {
    flights: InUse<K, Flight<V>>,
}

/// The calls with one key, from the first one to the answer.
pub(super) struct Flight<V> {
    /// Who has the one permit leads. Closed when there is an answer.
    lead: Semaphore,
    answer: OnceLock<V>,
}

/// How a call goes on.
pub(super) enum Boarded<K: Eq + Hash, V> {
    /// It runs, and tells the others.
    Leads(Leader<K, V>),
    /// It has the answer of another one.
    Joined(V),
}

/// Why a call has no answer.
pub(super) enum Refused {
    /// It is inside of the one that it would join.
    Recursive,
    /// Its deadline came first.
    Deadline { waited: Duration },
}

/// The call that runs. Dropped without an answer, the next one leads.
pub(super) struct Leader<K: Eq + Hash, V> {
    flight: Use<K, Flight<V>>,
    has_landed: bool,
}

impl<K, V> SingleFlightGroup<K, V> {
    /// Creates a group in which no call is running.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            flights: InUse::new(),
        }
    }

    /// The number of keys for which a call is running.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    /// Whether no call is running.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Clone + Eq + Hash + fmt::Debug, V: Clone> SingleFlightGroup<K, V> {
    /// Returns the answer of `call`, or of a call with the same `key` that is already running; in that case `call` is not
    /// polled.
    ///
    /// # Errors
    /// [`Error::Recursive`] and [`Error::DeadlineTooClose`]: see [`SingleFlightGroup`].
    ///
    /// # Cancellation
    /// If the future is dropped while it runs `call`, `call` is dropped, and a waiting call runs its own. If it is dropped
    /// while it waits, it leaves nothing behind.
    pub async fn run<F>(&self, key: K, call: F) -> Result<V, Error>
    where
        F: Future<Output = V>,
    {
        let flight = self.enter(key).0;
        let key = flight.key().clone();
        match board(flight).await {
            Ok(Boarded::Joined(answer)) => Ok(answer),
            Ok(Boarded::Leads(leader)) => {
                let answer = leader.held().during(call).await;
                leader.land(|| answer.clone());
                Ok(answer)
            }
            Err(refused) => Err(refused.into_error(NAME, NAME, || words(&key))),
        }
    }
}

impl<K: Clone + Eq + Hash, V> SingleFlightGroup<K, V> {
    /// The flight of `key`, and how many are in it besides.
    pub(super) fn enter(&self, key: K) -> (Use<K, Flight<V>>, usize) {
        self.flights.enter(key, || Flight {
            lead: Semaphore::new(1),
            answer: OnceLock::new(),
        })
    }
}

/// Leads, or waits for the answer of the one that does. Those who wait become leaders in the order in which they came.
pub(super) async fn board<K: Eq + Hash, V: Clone>(
    flight: Use<K, Flight<V>>,
) -> Result<Boarded<K, V>, Refused> {
    if Held::here(flight.value()).is_held() {
        return Err(Refused::Recursive);
    }
    let lead = &flight.value().lead;
    let is_leader = match lead.try_acquire() {
        Ok(permit) => {
            permit.forget();
            true
        }
        Err(_) => wait(lead).await?,
    };
    if !is_leader && let Some(answer) = flight.value().answer.get() {
        return Ok(Boarded::Joined(answer.clone()));
    }
    Ok(Boarded::Leads(Leader {
        flight,
        has_landed: false,
    }))
}

/// Waits for the lead, or for the answer; whether it is the lead.
async fn wait(lead: &Semaphore) -> Result<bool, Refused> {
    let since = Instant::now();
    let permit = Until::wait(Until::of(since, None), lead.acquire()).await;
    let waited = since.elapsed();
    let permit = permit.ok_or(Refused::Deadline { waited })?;
    Ok(permit.map(SemaphorePermit::forget).is_ok())
}

impl<K: Eq + Hash, V> Leader<K, V> {
    /// What the call that leads is inside of.
    pub(super) fn held(&self) -> Held {
        Held::here(self.flight.value())
    }

    /// Ends the flight, with an answer for those that have joined: if there are any, it is asked for.
    pub(super) fn land(mut self, answer: impl FnOnce() -> V) {
        // Who comes from now on begins another one.
        if self.flight.retire() > 0 {
            let flight = self.flight.value();
            // It is set once: this is the only one that leads.
            let _ = flight.answer.set(answer());
            flight.lead.close();
        }
        self.has_landed = true;
    }
}

impl<K: Eq + Hash, V> Drop for Leader<K, V> {
    fn drop(&mut self) {
        if !self.has_landed {
            self.flight.value().lead.add_permits(1);
        }
    }
}

impl Refused {
    pub(super) fn into_error(
        self,
        function: &'static str,
        group: &'static str,
        key: impl FnOnce() -> String,
    ) -> Error {
        match self {
            Self::Recursive => Error::Recursive {
                function: group.to_owned(),
                key: key(),
            },
            Self::Deadline { waited } => deadline_passed(function, waited),
        }
    }
}

impl<K, V> Default for SingleFlightGroup<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for SingleFlightGroup<K, V> {
    fn clone(&self) -> Self {
        Self {
            flights: self.flights.clone(),
        }
    }
}

impl<K, V> fmt::Debug for SingleFlightGroup<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlightGroup")
            .field("running", &self.len())
            .finish_non_exhaustive()
    }
}
