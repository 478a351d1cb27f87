//! `#[idempotent]`: one execution per key, its result replayed.
//!
//! The first call with a key claims it at the store, runs, and stores its result. A later call with
//! that key gets the stored result, and the body does not run. A call that comes while the first one
//! runs waits for it.
//!
//! # Guarantees
//!
//! - While a call runs, no other call with its key runs, in any process on the same store.
//! - A result that a caller got is at the store, for `ttl`. It is there before the caller has it, and
//!   it gets there even when the caller goes away after the body's end.
//! - Only results are stored. An `Err`, a panic and a dropped call give the key back, and the next
//!   call runs the body again, whatever the body had done by then: what must not be done twice after
//!   a failure belongs into the steps of a saga.
//! - After the death of a process (`kill -9`, power loss), the keys of its running calls become free,
//!   and the next call runs the body again. What was stored stays, as durable as the store is.
//! - A store that cannot be asked refuses the call; the body never runs unprotected.
//! - A result that could not be recorded (it has no JSON form, or the store failed for five
//!   seconds) is an [`Error::NotRecorded`], for the caller and for
//!   the duplicates that were waiting in its process. The key is given back: a call that comes later,
//!   or waits in another process, runs the body again.
//!
//! # Keys
//!
//! A key is the SHA-256 digest of the operation's name and the key expression, as typed tokens. Equal
//! are integers of every width, `f32` and the same `f64`, `0.0` and `-0.0`, maps in any order, structs
//! with their fields in any order (and the map of the same entries), tuples and sequences, a newtype
//! and what it wraps. `1`, `1.0`, `"1"` and `true` are four keys. Enum variants go by name. Sets are
//! sequences, whose order counts. NaN, `""`, `()` and `None` are refused. The arguments, in the
//! same encoding with their names and in their order, make a fingerprint: a key that comes with another
//! one is refused.

mod canonical;
pub(crate) mod digest;
pub(crate) mod flight;
mod hold;
pub(crate) mod key;
pub(crate) mod resuming;
pub mod store;
#[cfg(test)]
mod tests;
mod turn;

use std::fmt;
use std::time::Duration;

pub use canonical::Canonical;
pub use digest::Digest;
pub use key::{Key, KeyPart, KeyValue, SagaKey};

use crate::catalog::{Policy, PolicyKind};
use crate::error::Error;
use crate::outcome::{Answer, Function, Origin, Outcome, Records, Refusal, Stored};
use turn::Turn;

/// The policy of `#[idempotent]`: which operation, how long its results are kept, and how long a
/// duplicate waits for the first call.
#[derive(Debug, Clone, Copy)]
pub struct Idempotent {
    operation: &'static str,
    ttl: Duration,
    wait: Duration,
    lease: Duration,
    version: u32,
    key_version: u32,
    on_schema_change: OnSchemaChange,
    max_result: usize,
    runs_unprotected: bool,
}

/// What happens to a call whose result was stored as another type than the function returns today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSchemaChange {
    /// It fails with [`Error::SchemaChanged`].
    Error,
    /// The body runs again, and its result replaces the one that is there.
    RunAgain,
}

impl Idempotent {
    /// Results are kept for 24 hours; duplicates wait for up to 5 seconds. The name is part of every
    /// key: a function that is renamed has new keys, unless it keeps its operation's name.
    #[must_use]
    pub const fn operation(name: &'static str) -> Self {
        Self {
            operation: name,
            ttl: Duration::from_secs(86_400),
            wait: Duration::from_secs(5),
            lease: Duration::from_secs(30),
            version: 1,
            key_version: 1,
            on_schema_change: OnSchemaChange::Error,
            max_result: 1 << 20,
            runs_unprotected: false,
        }
    }

    /// For how long the key is granted before the claim has to be renewed. 30 s unless set.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The version of the result's type. 1 unless set.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The version of the key's form: part of every key. 1 unless set.
    #[must_use]
    pub const fn key_version(mut self, version: u32) -> Self {
        self.key_version = version;
        self
    }

    /// What happens where the stored result is of another type. [`OnSchemaChange::Error`] unless set.
    #[must_use]
    pub const fn on_schema_change(mut self, on: OnSchemaChange) -> Self {
        self.on_schema_change = on;
        self
    }

    /// How many bytes of JSON a result may have. 1 MiB unless set.
    #[must_use]
    pub const fn max_result(mut self, bytes: usize) -> Self {
        self.max_result = bytes;
        self
    }

    /// Runs the body without protection when the store cannot be asked.
    #[must_use]
    pub const fn when_unavailable_run(mut self) -> Self {
        self.runs_unprotected = true;
        self
    }

    /// How long a result is kept, by the store's clock. After that the key is new.
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

    /// How long a duplicate waits for the call that runs. Zero: not at all.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The key of a call. Add its arguments with [`Key::argument`]. A value that cannot be serialised
    /// is reported by [`once`](Self::once).
    pub fn key<K: KeyValue + ?Sized>(&self, value: &K) -> Key {
        Key::new(self.operation, value)
    }

    /// The key of a call among those of `scope`: a tenant, a user.
    pub fn scoped_key<S, K>(&self, _scope: &S, key: &K) -> Key
    where
        S: KeyValue + ?Sized,
        K: KeyValue + ?Sized,
    {
        self.key(key)
    }

    /// The key under which a saga below this operation is journaled: it must not answer for longer
    /// than the operation keeps the result.
    #[must_use]
    pub fn saga_key(&self, key: &Key) -> SagaKey {
        SagaKey {
            digest: key.digest(),
            ttl: self.ttl,
        }
    }

    /// Runs `call`, unless a call with `key` has succeeded before: then answers with the result of
    /// that one.
    ///
    /// The answer is an error of the policy, and `call` is not run, when
    /// - another call with the key is running and did not end within `wait`
    ///   ([`Error::InProgress`]),
    /// - the key was used with other arguments ([`Error::KeyReused`]),
    /// - the key or an argument cannot be serialised ([`Error::Encode`]),
    /// - the stored result cannot be read as `T` ([`Error::Decode`]),
    /// - the store fails ([`Error::Store`]) or there is none ([`Error::NoRuntime`]),
    ///
    /// and [`Error::NotRecorded`] when `call` has run and its result could not be kept.
    ///
    /// # Cancellation
    /// Dropped before `call` has ended: `call` is dropped, then the key is given back in the
    /// background, and a duplicate that waits runs. Dropped after `call` has ended with `Ok`: the
    /// result is recorded all the same.
    pub fn once<C, T, E>(
        &self,
        key: Key,
        call: C,
        function: Function<Result<T, E>>,
        records: impl Records<T, E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let stored = records.values();
        // In a box: durable layers nest, and a future that holds the whole of the inner one, once as
        // an argument and once while it is awaited, would double with each.
        let call = Box::pin(call);
        async move {
            let digest = key.digest();
            let hold = match turn::take(key, function.name, self.wait).await {
                Turn::Run(hold) => hold,
                Turn::RunWithoutKey => return call.await.into_answer(),
                Turn::Replay(result) => return replay(digest, &result, &function, &stored),
                Turn::Refused(error) => return refused(error, &function),
            };
            let answer = call.await.into_answer();
            let encoded = match &answer.result {
                Ok(value) => (stored.encode)(value),
                Err(_) => {
                    hold.release().await;
                    return answer;
                }
            };
            let recorded = match encoded {
                Ok(result) => hold.complete(result, self.ttl).await,
                Err(error) => {
                    let reason = format!("it has no JSON form: {error}");
                    hold.abandon(&reason).await;
                    Err(reason)
                }
            };
            match recorded {
                Ok(()) => answer,
                Err(reason) => refused(not_recorded(function.name, reason), &function),
            }
        }
    }
}

impl Idempotent {
    /// The same in a task of its own: a caller that goes away does not stop it.
    pub fn once_detached<C, T, E>(
        &self,
        key: Key,
        call: C,
        function: Function<Result<T, E>>,
        records: impl Records<T, E> + Send + 'static,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future + Send + 'static,
        C::Output: Outcome<Ok = T, Err = E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.once(key, call, function, records)
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
        write!(f, "ttl = {:?}, wait = {:?}", self.ttl, self.wait)
    }

    /// A duplicate waits for another call, and runs when that one fails.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner?.checked_add(self.wait)
    }
}

fn replay<T, E>(
    key: Digest,
    result: &str,
    function: &Function<Result<T, E>>,
    stored: &Stored<T>,
) -> Answer<T, E> {
    match (stored.decode)(result) {
        Ok(value) => {
            tracing::debug!(target: "resilience", function = function.name, %key, "replayed");
            Answer {
                result: Ok(value),
                origin: Origin::RECORD,
            }
        }
        Err(source) => {
            let error = Error::Decode {
                function: function.name,
                what: "the stored result".to_owned(),
                source,
            };
            refused(error, function)
        }
    }
}

/// The call may be made again when nothing but the moment was against it.
fn refused<T, E>(error: Error, function: &Function<Result<T, E>>) -> Answer<T, E> {
    let refusal = match error {
        Error::InProgress { .. } | Error::Store { .. } => Refusal::Rejected { retry_after: None },
        _ => Refusal::Final,
    };
    Answer::refused(error, refusal, function)
}

fn not_recorded(function: &'static str, reason: String) -> Error {
    Error::NotRecorded { function, reason }
}
