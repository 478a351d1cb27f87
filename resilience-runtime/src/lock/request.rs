//! Asking a runtime for a lock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::DEFAULT_WAIT;
use super::acquire::{Options, acquire};
use super::guard::LockGuard;
use super::key::LockKey;
use crate::core::Core;
use crate::error::Error;
use crate::key::KeyValue;
use crate::lease;

/// A lock that is asked for: from [`Runtime::lock`](crate::runtime::Runtime::lock).
#[derive(Clone)]
#[must_use = "nothing is locked before `acquire` or `try_acquire`"]
pub struct LockRequest {
    core: Arc<Core>,
    key: LockKey,
    options: Options,
}

impl LockRequest {
    pub(crate) fn new<K: KeyValue + ?Sized>(core: Arc<Core>, name: &'static str, key: &K) -> Self {
        Self {
            core,
            key: LockKey::new(name, key),
            options: Options {
                lease: lease::DEFAULT,
                wait: DEFAULT_WAIT,
                replicas: 0,
            },
        }
    }

    /// For how long the lock is granted before it has to be renewed, which is done in the background. 30 s unless
    /// set; at least 100 ms, however little is asked for.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease::bounded(lease).max(lease::SHORTEST);
        self
    }

    /// How long to wait for the lock. 5 s unless set; zero: not at all.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.options.wait = wait;
        self
    }

    /// How many replicas of the store must have the lock before it is granted; where fewer have it, the answer is
    /// [`Error::Store`]. None unless set. Only Redis waits for replicas.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.options.replicas = replicas;
        self
    }

    /// Waits for the lock. Who asked first gets it first.
    ///
    /// # Errors
    /// - [`Error::LockBusy`] when it was not free within the wait, with what is left of the holder's lease.
    /// - [`Error::DeadlineTooClose`] when the deadline of the call came before.
    /// - [`Error::Recursive`] inside of [`LockGuard::run`] or a `#[locked]` function that holds it.
    /// - [`Error::Store`] when the store could not be asked: nobody has been given the lock.
    /// - [`Error::Encode`] when the key cannot be serialised.
    /// - [`Error::ShuttingDown`].
    ///
    /// # Cancellation
    /// Dropped, it leaves the line, or gives the lock back, in the background: also where the store had not
    /// answered yet.
    pub async fn acquire(self) -> Result<LockGuard, Error> {
        let name = self.key.name();
        acquire(self.core, self.key, name, self.options).await
    }

    /// The lock if it is free and nobody waits for it, whatever the [`wait`](Self::wait); `None` if not.
    ///
    /// # Errors
    /// Those of [`acquire`](Self::acquire), but for [`Error::LockBusy`].
    ///
    /// # Cancellation
    /// That of [`acquire`](Self::acquire).
    pub async fn try_acquire(self) -> Result<Option<LockGuard>, Error> {
        match self.wait(Duration::ZERO).acquire().await {
            Ok(guard) => Ok(Some(guard)),
            Err(Error::LockBusy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for LockRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockRequest")
            .field("key", &self.key)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
