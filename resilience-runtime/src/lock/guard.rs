//! A lock that is held.

use std::fmt;
use std::pin::pin;

use super::key::LockKey;
use super::place::Place;
use crate::error::Error;
use crate::invocation::Invocation;
use crate::lease::FencingToken;
use crate::lease::kept::Kept;
use crate::recursion::Held;
use crate::telemetry::{meter, names};

/// A lock that is held until this guard is dropped or released, or until its lease is lost. The lease is renewed in the
/// background.
///
/// Dropping the guard, also in a panic, gives the lock back in the background; [`release`](Self::release) waits until
/// that is done.
///
/// If the lease cannot be renewed in time (the store is down, or this process stood still for so long that another holder
/// has the lock), the lock is lost. Then [`lost`](Self::lost) resolves, and [`run`](Self::run) drops its future. A poll
/// that is under way at that moment cannot be stopped; the [`token`](Self::token) protects against its writes.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct LockGuard {
    /// `None` once it is given back.
    kept: Option<Kept>,
    place: Place,
    token: FencingToken,
    held: Held,
    key: LockKey,
    function: &'static str,
    _counted: Counted,
}

impl LockGuard {
    pub(super) fn new(
        kept: Kept,
        place: Place,
        token: FencingToken,
        held: Held,
        key: LockKey,
        function: &'static str,
    ) -> Self {
        let counted = Counted::new(key.name());
        Self {
            kept: Some(kept),
            place,
            token,
            held,
            key,
            function,
            _counted: counted,
        }
    }

    /// The fencing token, which is greater than that of every earlier holder of this lock. Send it along with writes to a
    /// resource that can compare it.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        self.token
    }

    /// Whether the lock is certainly still held at this moment.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.kept.as_ref().is_some_and(Kept::is_valid)
    }

    /// Resolves when the lock is lost; never if the store has no leases. Cancel safe.
    pub async fn lost(&self) {
        if let Some(kept) = &self.kept {
            kept.lost().await;
        }
    }

    /// Runs `future` as long as the lock is valid, and never polls it after that. Inside it,
    /// [`fencing_token`](crate::invocation::fencing_token) returns the [`token`](Self::token), and asking for this lock
    /// fails with [`Error::Recursive`].
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the lock was lost; `future` was then dropped at the `.await` that it had reached.
    ///
    /// # Cancellation
    /// As cancel safe as `future`.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let Some(kept) = &self.kept else {
            return Err(self.lease_lost());
        };
        let invocation = Invocation {
            token: Some(self.token),
            ..Invocation::current()
        };
        let future = pin!(self.held.during(future));
        let output = kept.guard(invocation, future).await;
        output.map_err(|_| self.lease_lost())
    }

    /// Gives the lock back, and waits until the store has it.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the lock had already been lost, and [`Error::Store`] when the store failed: then the
    /// release is tried again in the background, until the lease is over.
    ///
    /// # Cancellation
    /// If the future is dropped, the lock is given back in the background.
    pub async fn release(mut self) -> Result<(), Error> {
        let was_valid = self.note_if_lost();
        if let Some(kept) = self.kept.take() {
            // No renewal comes after the release.
            kept.end().await;
        }
        let released = self.place.release().await;
        if !was_valid {
            return Err(self.lease_lost());
        }
        released.map_err(|source| Error::Store {
            function: self.function,
            source,
        })
    }

    fn lease_lost(&self) -> Error {
        Error::LeaseLost {
            function: self.function,
            key: self.key.words(),
        }
    }

    /// Whether it is valid, before it is given back; one that is not is counted.
    fn note_if_lost(&self) -> bool {
        let Some(kept) = &self.kept else { return true };
        let is_valid = kept.is_valid();
        if !is_valid {
            let (lock, function) = (self.key.name(), self.function);
            meter::count(names::LOCK_LOST, "lock", lock);
            tracing::warn!(target: "resilience", lock, function, key = self.key.words(), "a lock was lost");
        }
        is_valid
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.note_if_lost();
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("lock", &self.key.name())
            .field("token", &self.token)
            .field("is_valid", &self.is_valid())
            .finish_non_exhaustive()
    }
}

/// One of the locks that this process holds, as the metrics have it.
pub(super) struct Counted(Option<&'static str>);

impl Counted {
    pub(super) fn new(lock: &'static str) -> Self {
        let is_listening = meter::is_listening();
        if is_listening {
            meter::gauge_by(names::LOCKS_HELD, "lock", lock, 1.0);
        }
        Self(is_listening.then_some(lock))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(lock) = self.0 {
            meter::gauge_by(names::LOCKS_HELD, "lock", lock, -1.0);
        }
    }
}
