//! Acquiring a lock of a runtime.

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

/// A lock that is about to be acquired, from [`Runtime::lock`](crate::runtime::Runtime::lock).
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

    /// The length of the lease, which is renewed in the background. 30 s by default; less than 100 ms counts as
    /// 100 ms.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease::bounded(lease).max(lease::SHORTEST);
        self
    }

    /// How long to wait for the lock. 5 s by default; zero means not to wait.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.options.wait = wait;
        self
    }

    /// The number of replicas of the store that must have the lock before it is granted; if fewer have it, acquiring it
    /// fails with [`Error::Store`]. 0 by default. Only Redis waits for replicas.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.options.replicas = replicas;
        self
    }

    /// Waits for the lock. Waiters get it in the order in which they asked.
    ///
    /// # Errors
    /// - [`Error::LockBusy`] when it was not free within the wait, with what is left of the holder's lease.
    /// - [`Error::DeadlineTooClose`] when the deadline of the call came first.
    /// - [`Error::Recursive`] inside [`LockGuard::run`] or a `#[locked]` function that holds the lock.
    /// - [`Error::Store`] when the store failed. The lock was not acquired.
    /// - [`Error::Encode`] when the key cannot be serialised.
    /// - [`Error::ShuttingDown`] when the runtime is shutting down.
    ///
    /// # Cancellation
    /// If the future is dropped, it leaves the queue or gives the lock back in the background, even if the store had not
    /// answered yet.
    pub async fn acquire(self) -> Result<LockGuard, Error> {
        let name = self.key.name();
        acquire(self.core, self.key, name, self.options).await
    }

    /// Acquires the lock if it is free and nobody waits for it, whatever [`wait`](Self::wait) says; otherwise returns `None`.
    ///
    /// # Errors
    /// Those of [`acquire`](Self::acquire), except [`Error::LockBusy`].
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
