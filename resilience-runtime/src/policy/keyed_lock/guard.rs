//! A lock that is held within this process.

use std::fmt;
use std::hash::Hash;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::policy::in_use::Use;
use crate::recursion::Held;

/// The lock of one key, which is held until this guard is dropped, on any thread.
#[must_use = "the lock is free again when the guard is dropped"]
pub struct KeyedGuard<K: Eq + Hash> {
    // Before the place: whoever is next has the lock before the key may be forgotten.
    _permit: OwnedSemaphorePermit,
    place: Use<K, Semaphore>,
}

impl<K: Eq + Hash> KeyedGuard<K> {
    pub(super) fn new(permit: OwnedSemaphorePermit, place: Use<K, Semaphore>) -> Self {
        Self {
            _permit: permit,
            place,
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &K {
        self.place.key()
    }

    /// Runs `future` as work under this lock. Code inside it that asks for the lock gets
    /// [`Error::Recursive`](crate::error::Error::Recursive) instead of waiting for itself.
    ///
    /// # Cancellation
    /// As cancel safe as `future`.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        Held::here(self.place.value()).during(future).await
    }
}

impl<K: Eq + Hash + fmt::Debug> fmt::Debug for KeyedGuard<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyedGuard").field(self.key()).finish()
    }
}
