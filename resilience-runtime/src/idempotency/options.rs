//! The options of `#[idempotent]`.

use std::fmt;
use std::time::Duration;

use crate::catalog::{Policy, PolicyKind};
use crate::idempotency::key::{Key, SagaKey};
use crate::key::KeyValue;
use crate::lease;

/// The policy of `#[idempotent]`: the operation, how long its results are kept, and how long a
/// duplicate waits for the first call.
#[derive(Debug, Clone, Copy)]
pub struct Idempotent {
    pub(super) operation: &'static str,
    pub(super) ttl: Duration,
    pub(super) wait: Duration,
    pub(super) lease: Duration,
    pub(super) version: u32,
    pub(super) key_version: u32,
    pub(super) on_schema_change: OnSchemaChange,
    pub(super) max_result: usize,
    pub(super) runs_unprotected: bool,
}

/// What happens to a call whose result was stored as another type than the function returns now, or in a form
/// that this type cannot be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSchemaChange {
    /// It fails with [`Error::SchemaChanged`](crate::error::Error::SchemaChanged).
    Error,
    /// The body runs again, and its result replaces the stored one.
    RunAgain,
}

impl Idempotent {
    /// The operation `name`, with results that are kept for 24 hours, and duplicates that wait for up to 5 seconds. The
    /// name is part of every key: a function that is renamed has new keys, unless its operation keeps its name.
    #[must_use]
    pub const fn operation(name: &'static str) -> Self {
        Self {
            operation: name,
            ttl: Duration::from_secs(86_400),
            wait: Duration::from_secs(5),
            lease: lease::DEFAULT,
            version: 1,
            key_version: 1,
            on_schema_change: OnSchemaChange::Error,
            max_result: 1 << 20,
            runs_unprotected: false,
        }
    }

    /// The length of the lease on the key, which is renewed every third of that time while the body runs. The key of
    /// a process that has died stays busy for this long. It is also how long storing the result is tried again if the store
    /// fails. 30 s by default. A store that notices the end of a process has no leases.
    ///
    /// # Panics
    /// When it is less than 100 ms; in a `const` or `static` this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn lease(mut self, lease: Duration) -> Self {
        assert!(
            lease.as_millis() >= lease::SHORTEST.as_millis(),
            "idempotent: `lease` must be at least 100 ms: a shorter one could not be renewed in time"
        );
        self.lease = lease::bounded(lease);
        self
    }

    /// The version of the result's type, which is stored with each result. 1 by default.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The version of the key's form, which is part of every key. 1 by default.
    #[must_use]
    pub const fn key_version(mut self, version: u32) -> Self {
        self.key_version = version;
        self
    }

    /// What happens if the stored result is of another type. [`OnSchemaChange::Error`] by default.
    #[must_use]
    pub const fn on_schema_change(mut self, on: OnSchemaChange) -> Self {
        self.on_schema_change = on;
        self
    }

    /// The maximum size of a result, in bytes of JSON. 1 MiB by default. Instead of a longer result a tombstone is
    /// stored: the caller gets its result, and later duplicates fail with
    /// [`Error::ResultLost`](crate::error::Error::ResultLost).
    #[must_use]
    pub const fn max_result(mut self, bytes: usize) -> Self {
        self.max_result = bytes;
        self
    }

    /// Runs the body without protection if the store fails: then it may run twice, except at the same time in one
    /// process. By default the call is refused.
    #[must_use]
    pub const fn when_unavailable_run(mut self) -> Self {
        self.runs_unprotected = true;
        self
    }

    /// How long a result is kept, by the store's clock. After that the key counts as new. 24 hours by default.
    ///
    /// # Panics
    /// When it is zero; in a `const` or `static` this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        assert!(
            !ttl.is_zero(),
            "idempotent: `ttl` must be more than zero: results are replayed for this long"
        );
        self.ttl = ttl;
        self
    }

    /// How long a duplicate waits for the running call. 5 s by default; zero means not to wait.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The key of a call. Add its arguments with [`Key::argument`]. A value that cannot be serialised
    /// is reported by [`once`](Self::once).
    pub fn key<K: KeyValue + ?Sized>(&self, value: &K) -> Key {
        Key::new(self.operation, self.key_version, value)
    }

    /// The key of a call within `scope`, for example a tenant or a user. Keys that are chosen by clients need a scope, so
    /// that different clients do not share keys.
    pub fn scoped_key<S, K>(&self, scope: &S, key: &K) -> Key
    where
        S: KeyValue + ?Sized,
        K: KeyValue + ?Sized,
    {
        Key::scoped(self.operation, self.key_version, scope, key)
    }

    /// The key under which a saga below this operation is journaled. The saga must not answer for the key for longer
    /// than the operation keeps the result.
    #[must_use]
    pub fn saga_key(&self, key: &Key) -> SagaKey {
        SagaKey {
            digest: key.digest(),
            ttl: self.ttl,
        }
    }
}

impl Policy for Idempotent {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Idempotent
    }

    fn name(&self) -> Option<&'static str> {
        Some(self.operation)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Self::operation(self.operation);
        write!(f, "ttl = {:?}, wait = {:?}", self.ttl, self.wait)?;
        if self.lease != default.lease {
            write!(f, ", lease = {:?}", self.lease)?;
        }
        if self.version != default.version {
            write!(f, ", version = {}", self.version)?;
        }
        if self.key_version != default.key_version {
            write!(f, ", key_version = {}", self.key_version)?;
        }
        if self.on_schema_change == OnSchemaChange::RunAgain {
            f.write_str(", on_schema_change = run_again")?;
        }
        if self.max_result != default.max_result {
            write!(f, ", max_result = {}", self.max_result)?;
        }
        if self.runs_unprotected {
            f.write_str(", when_unavailable = run")?;
        }
        Ok(())
    }

    /// A duplicate waits for another call, and runs when that one fails.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner?.checked_add(self.wait)
    }
}
