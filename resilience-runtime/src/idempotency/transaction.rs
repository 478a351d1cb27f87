//! `#[idempotent(tx = conn)]`: claim, effect and result in the caller's own transaction.
//!
//! The claim is a row that the transaction inserts, and the record the same row when the body is done. A duplicate in
//! another transaction blocks at that row until this one ends: if it is committed, the duplicate reads the record; if
//! it is rolled back, or its process dies, there was no claim, and the duplicate runs. There is no lease and nothing
//! to take over: what the body did and that it did it are the same commit.
//!
//! The transaction is the caller's. It begins it, commits it, and decides so about both.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;

use crate::BoxFuture;
use crate::error::{Error, StoreError};
use crate::idempotency::key::{Key, Words};
use crate::idempotency::once::{Once, Unread};
use crate::idempotency::options::{Idempotent, OnSchemaChange};
use crate::idempotency::store::{Completion, Nonce, Record, Release};
use crate::key::Digest;
use crate::outcome::{Answer, Function, Origin, Outcome, Records};
use crate::telemetry::names;

/// A connection on which `#[idempotent(tx = ..)]` can work: to PostgreSQL or SQLite, as a plain connection, a
/// transaction, or one from a pool.
///
/// The database needs the tables of this crate; opening a [`Runtime`](crate::runtime::Runtime) on it creates them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no connection that `tx` can work on",
    label = "`tx` needs a connection of sqlx 0.9: `&mut PgConnection`, `&mut SqliteConnection`, or a `&mut Transaction<'_, _>`",
    note = "if it is one, turn on the feature `postgres` or `sqlite` of `resilience`, and see that there is only one sqlx: `cargo tree -i sqlx-core`"
)]
pub trait Transactional: Send {
    /// Whether the caller has begun a transaction on it.
    fn is_in_transaction(&mut self) -> bool;

    /// Finds the record, or claims the key in the transaction. Blocks while another transaction has the key.
    fn claim(&mut self, claiming: ClaimingIn) -> BoxFuture<'_, Result<ClaimIn, StoreError>>;

    /// Writes the record into the transaction.
    fn complete(
        &mut self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>>;

    /// Removes the claim from the transaction: the body failed, and the caller may commit all the same.
    fn release(
        &mut self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The arguments of [`Transactional::claim`].
#[derive(Debug, Clone)]
pub struct ClaimingIn {
    /// The key of the call.
    pub key: Digest,
    /// The digest of its arguments.
    pub fingerprint: Digest,
    /// The caller.
    pub nonce: Nonce,
    /// A record that the caller has read and does not accept.
    pub replaces: Option<Record>,
}

/// The answer to [`Transactional::claim`].
#[derive(Debug)]
pub enum ClaimIn {
    /// The caller has the key.
    Granted,
    /// The operation has already run; this is its record.
    Completed(Record),
    /// The key was used with other arguments.
    Mismatch,
    /// A call outside any transaction has the key, or the database stopped waiting for another transaction.
    Busy,
}

/// A call that has claimed its key in a transaction.
#[must_use = "the record is written by `end_in`"]
pub struct Begun<T, E, S> {
    once: Once<T, E, S>,
    words: Words,
    key: Digest,
    fingerprint: Digest,
    nonce: Nonce,
}

impl Idempotent {
    /// Claims `key` in the transaction that `connection` is in: the body is to run, and its answer goes to
    /// [`Begun::end_in`]. Or answers with the result of the call that has had the key before, or with why not:
    /// as [`once`](Self::once), and [`Error::Store`] when there is no transaction.
    ///
    /// # Cancellation
    /// The transaction may have the claim then. It can be rolled back, or go on: a claim without a record is
    /// free once the transaction has ended, as one that was interrupted.
    pub fn begin_in<'c, C, T, E, S>(
        &self,
        connection: &'c mut C,
        key: Key,
        function: Function<Result<T, E>>,
        records: S,
    ) -> impl Future<Output = ControlFlow<Answer<T, E>, Begun<T, E, S>>> + use<'c, C, T, E, S>
    where
        C: Transactional + ?Sized,
        S: Records<T, E>,
    {
        let once = Once::new(*self, function, records);
        async move {
            let begun = begin(once, connection, key).await;
            begun.map_break(|answer| once.end(answer))
        }
    }
}

async fn begin<C, T, E, S>(
    once: Once<T, E, S>,
    connection: &mut C,
    key: Key,
) -> ControlFlow<Answer<T, E>, Begun<T, E, S>>
where
    C: Transactional + ?Sized,
    S: Records<T, E>,
{
    let function = once.function.name;
    let (sealed, words) = match key.seal(function) {
        Ok(sealed) => sealed,
        Err(error) => return ControlFlow::Break(once.refused(error)),
    };
    if !connection.is_in_transaction() {
        let source = StoreError::refused("claiming an idempotency key", NO_TRANSACTION);
        return ControlFlow::Break(once.refused(Error::Store { function, source }));
    }
    let began = Instant::now();
    let mut claiming = ClaimingIn {
        key: sealed.digest,
        fingerprint: sealed.fingerprint,
        nonce: Nonce::random(),
        replaces: None,
    };
    loop {
        let record = match connection.claim(claiming.clone()).await {
            Ok(ClaimIn::Granted) => {
                once.count(names::IDEMPOTENCY_EXECUTIONS);
                return ControlFlow::Continue(Begun {
                    once,
                    words,
                    key: sealed.digest,
                    fingerprint: sealed.fingerprint,
                    nonce: claiming.nonce,
                });
            }
            Ok(ClaimIn::Completed(record)) => record,
            Ok(ClaimIn::Mismatch) => {
                once.count(names::IDEMPOTENCY_CONFLICTS);
                let key = words.to_string();
                return ControlFlow::Break(once.refused(Error::KeyReused { function, key }));
            }
            Ok(ClaimIn::Busy) => {
                return ControlFlow::Break(once.refused(Error::InProgress {
                    function,
                    key: words.to_string(),
                    waited: began.elapsed(),
                    lease_left: None,
                }));
            }
            Err(source) => {
                return ControlFlow::Break(once.refused(Error::Store { function, source }));
            }
        };
        match once.read(&record) {
            Ok(result) => {
                let origin = Origin::RECORD;
                return ControlFlow::Break(Answer { result, origin });
            }
            // A record that comes back although it was to be replaced would come back for ever.
            Err(Unread::Changed(..))
                if once.idempotent.on_schema_change == OnSchemaChange::RunAgain
                    && claiming.replaces.as_ref() != Some(&record) =>
            {
                claiming.replaces = Some(record);
            }
            Err(unread) => return ControlFlow::Break(once.unread(unread, &words)),
        }
    }
}

const NO_TRANSACTION: &str = "the connection is in no transaction; begin one and give that: \
    `let mut tx = pool.begin().await?;`, the call with `&mut tx`, `tx.commit().await?`";

impl<T, E, S: Records<T, E>> Begun<T, E, S> {
    /// Writes what the body came to into the transaction: its result, or the error that is kept, or nothing.
    ///
    /// [`Error::NotRecorded`] when that fails. The transaction is lost then, and the effect with it: the caller can
    /// only roll it back.
    pub async fn end_in<C, A>(self, connection: &mut C, answer: A) -> Answer<T, E>
    where
        C: Transactional + ?Sized,
        A: Outcome<Ok = T, Err = E>,
    {
        let once = self.once;
        let answer = self.end(connection, answer.into_answer()).await;
        once.end(answer)
    }

    async fn end<C>(self, connection: &mut C, answer: Answer<T, E>) -> Answer<T, E>
    where
        C: Transactional + ?Sized,
    {
        let Some((kind, schema, content)) = self.once.kept(&answer) else {
            // Where this fails the transaction has failed before, and can only be rolled back.
            let _ = connection
                .release(self.key, self.nonce, Release::Unused)
                .await;
            return answer;
        };
        let record = Record {
            fingerprint: self.fingerprint,
            kind,
            schema: schema.words(),
            content: content.into(),
        };
        let ttl = self.once.idempotent.ttl;
        let completed = connection.complete(self.key, self.nonce, record, ttl);
        match completed.await {
            Ok(Completion::Stored) => answer,
            Ok(Completion::Refused(_)) => self.once.not_recorded(format!(
                "the claim of key {} is not in the transaction any more: the body has ended it, or rolled \
                 it back",
                self.words
            )),
            Err(error) => self.once.not_recorded(format!(
                "{error}; the transaction cannot be committed, and its effects go with it"
            )),
        }
    }
}

/// What holds a connection is as good as the connection.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
macro_rules! through_deref {
    ($($holder:ty),+) => {$(
        impl $crate::idempotency::transaction::Transactional for $holder {
            fn is_in_transaction(&mut self) -> bool {
                Transactional::is_in_transaction(&mut **self)
            }

            fn claim(
                &mut self,
                claiming: ClaimingIn,
            ) -> BoxFuture<'_, Result<ClaimIn, StoreError>> {
                Transactional::claim(&mut **self, claiming)
            }

            fn complete(
                &mut self,
                key: Digest,
                nonce: Nonce,
                record: Record,
                ttl: Duration,
            ) -> BoxFuture<'_, Result<Completion, StoreError>> {
                Transactional::complete(&mut **self, key, nonce, record, ttl)
            }

            fn release(
                &mut self,
                key: Digest,
                nonce: Nonce,
                how: Release,
            ) -> BoxFuture<'_, Result<(), StoreError>> {
                Transactional::release(&mut **self, key, nonce, how)
            }
        }
    )+};
}
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use through_deref;
