//! `#[locked]`: one execution at a time per key, across all processes on the same store.

mod acquire;
mod guard;
mod hold;
mod key;
mod place;
pub mod redlock;
mod request;
pub mod store;

use std::fmt;
use std::time::Duration;

use crate::catalog::{Policy, PolicyKind};
use crate::key::KeyValue;
use crate::lease;
use crate::outcome::{Answer, Function, Outcome};

pub use guard::LockGuard;
pub use key::LockKey;
pub use request::LockRequest;

/// How long a call waits unless something else is chosen.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// The policy of `#[locked]`: the lock, its lease, and how long a call waits for it.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    name: &'static str,
    lease: Duration,
    wait: Duration,
    replicas: u32,
    runs_unlocked: bool,
    local: bool,
}

impl Locked {
    /// The lock `name` with a lease of 30 s, which is renewed while the body runs, and a wait of up to 5 s. The name is part
    /// of every key.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            lease: lease::DEFAULT,
            wait: DEFAULT_WAIT,
            replicas: 0,
            runs_unlocked: false,
            local: false,
        }
    }

    /// The length of the lease, which is renewed in the background while the body runs. 30 s by default.
    ///
    /// # Panics
    /// When it is less than 100 ms; in a `const` or `static` this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn lease(mut self, lease: Duration) -> Self {
        assert!(
            lease.as_millis() >= lease::SHORTEST.as_millis(),
            "locked: `lease` must be at least 100 ms: a shorter one could not be renewed in time"
        );
        self.lease = lease::bounded(lease);
        self
    }

    /// How long a call waits for the lock. 5 s by default; zero means not to wait.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The number of replicas of the store that must have the lock before the body runs; if fewer have it, the call fails.
    /// 0 by default. Only Redis waits for replicas.
    #[must_use]
    pub const fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Runs the body without a lock when the store fails. By default the call fails.
    #[must_use]
    pub const fn when_unavailable_run(mut self) -> Self {
        self.runs_unlocked = true;
        self
    }

    /// Locks only within this process: without a store, a lease or a runtime.
    #[must_use]
    pub const fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// The key of a call. A value that cannot be serialised is reported by [`hold`](Self::hold).
    pub fn key<K: KeyValue + ?Sized>(&self, value: &K) -> LockKey {
        LockKey::new(self.name, value)
    }

    /// The one key of a lock without keys: that of `()`.
    pub fn whole(&self) -> LockKey {
        self.key(&())
    }

    /// Runs `call` while the lock is held.
    ///
    /// The answer is an error of the policy, and `call` is not run, when
    /// - the lock was not free within the wait ([`Error::LockBusy`](crate::error::Error::LockBusy)), or by the deadline
    ///   of the call ([`Error::DeadlineTooClose`](crate::error::Error::DeadlineTooClose)),
    /// - the call was made inside one that holds the lock ([`Error::Recursive`](crate::error::Error::Recursive)),
    /// - the key cannot be serialised ([`Error::Encode`](crate::error::Error::Encode)),
    /// - the store fails ([`Error::Store`](crate::error::Error::Store)), there is none
    ///   ([`Error::NoRuntime`](crate::error::Error::NoRuntime)), or it is being closed
    ///   ([`Error::ShuttingDown`](crate::error::Error::ShuttingDown)),
    ///
    /// and [`Error::LeaseLost`](crate::error::Error::LeaseLost) when the lock was lost while `call` ran: `call` was then
    /// dropped at the `.await` that it had reached.
    ///
    /// # Cancellation
    /// If the future is dropped, or panics, it leaves the queue, or drops `call` and then gives the lock back in the
    /// background, even if the store had not answered yet.
    pub fn hold<C, T, E>(
        &self,
        key: LockKey,
        call: C,
        function: Function<Result<T, E>>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        hold::hold(*self, key, Box::pin(call), function)
    }
}

impl Policy for Locked {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Locked
    }

    fn name(&self) -> Option<&'static str> {
        Some(self.name)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.local {
            return write!(f, "local, wait = {:?}", self.wait);
        }
        write!(f, "lease = {:?}, wait = {:?}", self.lease, self.wait)?;
        if self.replicas > 0 {
            write!(f, ", replicas = {}", self.replicas)?;
        }
        if self.runs_unlocked {
            f.write_str(", when_unavailable = run")?;
        }
        Ok(())
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner?.checked_add(self.wait)
    }
}
