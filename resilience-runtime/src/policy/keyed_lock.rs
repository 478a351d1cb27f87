//! A lock for each key, within this process.

mod guard;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::in_use::{InUse, Use, words};
use super::until::{Until, deadline_passed};
use crate::error::Error;
use crate::recursion::Held;

pub use guard::KeyedGuard;

/// What errors call it.
const NAME: &str = "KeyedLock";

/// A lock for each key, within this process: one holder at a time per key, and waiters in the order in which they came.
///
/// ```
/// # use resilience_runtime::policy::keyed_lock::KeyedLock;
/// static ACCOUNTS: KeyedLock<u64> = KeyedLock::new();
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), resilience_runtime::error::Error> {
/// let guard = ACCOUNTS.lock(7).await?;
/// assert!(ACCOUNTS.try_lock(7).is_none());
/// assert!(ACCOUNTS.try_lock(8).is_some());
/// drop(guard);
/// let sum = ACCOUNTS.run(7, async { 1 + 1 }).await?;
/// # assert_eq!(sum, 2);
/// # Ok(())
/// # }
/// ```
///
/// It needs neither a [`Runtime`](crate::runtime::Runtime) nor a store. A clone is another handle to the same locks. Only
/// keys that are held or waited for take memory.
///
/// # Deadlines and recursion
///
/// A wait is limited only by the [`deadline`](super::deadline::deadline) of the call. Code that runs inside
/// [`KeyedLock::run`] or [`KeyedGuard::run`] and asks for the lock under which it runs gets [`Error::Recursive`], because
/// it would wait for itself. Code that only keeps a guard in a variable, or asks from a task of its own, is not recognised
/// and does wait.
///
/// # Cost
///
/// A lock that is free costs two lookups in a table under a lock, and one allocation.
pub struct KeyedLock<K> {
    keys: InUse<K, Semaphore>,
}

/// Why the lock was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The caller is inside of it.
    Recursive,
    /// It was not free within the longest wait.
    Busy { waited: Duration },
    /// It was not free by the deadline of the call.
    Deadline { waited: Duration },
}

impl<K> KeyedLock<K> {
    /// Creates a set of locks, none of which is held.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: InUse::new() }
    }

    /// The number of keys that are held or waited for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is held or waited for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Clone + Eq + Hash> KeyedLock<K> {
    /// Takes the lock of `key` if it is free and nobody waits for it.
    #[must_use]
    pub fn try_lock(&self, key: K) -> Option<KeyedGuard<K>> {
        let place = self.enter(key);
        let permit = take_at_once(&place)?;
        Some(KeyedGuard::new(permit, place))
    }

    /// The lock of `key`, or why it was not to be had, with the key.
    pub(crate) async fn lock_within(
        &self,
        key: K,
        wait: Option<Duration>,
    ) -> Result<KeyedGuard<K>, (Refused, K)> {
        let place = self.enter(key);
        match take(&place, wait).await {
            Ok(permit) => Ok(KeyedGuard::new(permit, place)),
            Err(refused) => Err((refused, place.key().clone())),
        }
    }

    fn enter(&self, key: K) -> Use<K, Semaphore> {
        self.keys.enter(key, || Semaphore::new(1)).0
    }
}

impl<K: Clone + Eq + Hash + fmt::Debug> KeyedLock<K> {
    /// Waits for the lock of `key`.
    ///
    /// # Errors
    /// [`Error::Recursive`] and [`Error::DeadlineTooClose`]: see [`KeyedLock`].
    ///
    /// # Cancellation
    /// If the future is dropped, it leaves the queue. It joins the queue when it is polled for the first time.
    pub async fn lock(&self, key: K) -> Result<KeyedGuard<K>, Error> {
        let locked = self.lock_within(key, None).await;
        locked.map_err(|(refused, key)| refused.into_error(NAME, || words(&key)))
    }

    /// Runs `future` while the lock of `key` is held.
    ///
    /// # Errors
    /// Those of [`lock`](Self::lock). In that case `future` was not polled.
    ///
    /// # Cancellation
    /// If the future is dropped, or panics, it leaves the queue, or drops `future` and then frees the lock.
    pub async fn run<F: Future>(&self, key: K, future: F) -> Result<F::Output, Error> {
        let guard = self.lock(key).await?;
        Ok(guard.run(future).await)
    }
}

impl Refused {
    /// As an error of `lock`.
    pub(crate) fn into_error(self, lock: &'static str, key: impl FnOnce() -> String) -> Error {
        match self {
            Self::Recursive => Error::Recursive {
                function: lock.to_owned(),
                key: key(),
            },
            Self::Busy { waited } => Error::LockBusy {
                lock: lock.to_owned(),
                key: key(),
                waited,
                lease_left: None,
            },
            Self::Deadline { waited } => deadline_passed(lock, waited),
        }
    }
}

impl<K> Default for KeyedLock<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Clone for KeyedLock<K> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
        }
    }
}

impl<K> fmt::Debug for KeyedLock<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLock")
            .field("in_use", &self.len())
            .finish_non_exhaustive()
    }
}

/// Takes the lock, in the order of the line, which Tokio's semaphore keeps.
async fn take<K: Eq + Hash>(
    place: &Use<K, Semaphore>,
    wait: Option<Duration>,
) -> Result<OwnedSemaphorePermit, Refused> {
    if Held::here(place.value()).is_held() {
        return Err(Refused::Recursive);
    }
    if let Some(permit) = take_at_once(place) {
        return Ok(permit);
    }
    let since = Instant::now();
    let until = Until::of(since, wait);
    let taken = Arc::clone(place.value()).acquire_owned();
    let taken = Until::wait(until, taken).await.and_then(Result::ok);
    let waited = since.elapsed();
    taken.ok_or(match until {
        Some(until) if until.is_deadline => Refused::Deadline { waited },
        _ => Refused::Busy { waited },
    })
}

fn take_at_once<K: Eq + Hash>(place: &Use<K, Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(place.value()).try_acquire_owned().ok()
}
