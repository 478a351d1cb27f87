//! `#[locked]`: one execution at a time per key, over all processes on the same store.

pub mod redlock;
pub mod store;

use std::fmt;
use std::time::Duration;

use crate::catalog::{Policy, PolicyKind};
use crate::idempotency::KeyValue;
use crate::outcome::{Answer, Function, Outcome};

/// The policy of `#[locked]`: which lock, for how long it is leased, and how long a call waits for it.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    name: &'static str,
    lease: Duration,
    wait: Duration,
    replicas: u32,
    runs_unlocked: bool,
    local: bool,
}

/// The key of one call: which lock.
#[derive(Debug, Clone)]
#[must_use = "a key locks nothing until it is given to `Locked::hold`"]
pub struct LockKey;

impl Locked {
    /// A lease of 30 s, renewed while the body runs; a call waits for up to 5 s. The name is part of every key.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            lease: Duration::from_secs(30),
            wait: Duration::from_secs(5),
            replicas: 0,
            runs_unlocked: false,
            local: false,
        }
    }

    /// For how long the lock is granted before it has to be renewed.
    #[must_use]
    #[track_caller]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long a call waits for the lock. Zero: not at all.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How many replicas must have the lock before the body runs.
    #[must_use]
    pub const fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Runs the body without a lock when the store cannot be asked.
    #[must_use]
    pub const fn when_unavailable_run(mut self) -> Self {
        self.runs_unlocked = true;
        self
    }

    /// Only within this process: no store, no lease, no runtime.
    #[must_use]
    pub const fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// The key of a call.
    pub fn key<K: KeyValue + ?Sized>(&self, _value: &K) -> LockKey {
        LockKey
    }

    /// The one key of a lock without keys.
    pub fn whole(&self) -> LockKey {
        LockKey
    }

    /// Runs `call` while the lock is held.
    pub fn hold<C, T, E>(
        &self,
        _key: LockKey,
        call: C,
        _function: Function<Result<T, E>>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let call = Box::pin(call);
        async move { call.await.into_answer() }
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
        write!(f, "lease = {:?}, wait = {:?}", self.lease, self.wait)
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner?.checked_add(self.wait)
    }
}
