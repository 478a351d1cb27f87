//! Records in the caller's own transaction.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::failure::{BUSY, primary_code};
use super::rows::{column, string};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{Completion, Nonce, Record, RecordKind, Release};
use crate::idempotency::transaction::{ClaimIn, ClaimingIn, Transactional};
use crate::store::rows::{Unreadable, word};

const CLAIMING: &str = "claiming an idempotency key";
const STORING: &str = "storing an idempotent result";
const RELEASING: &str = "releasing an idempotency key";

/// `$1` key
const FIND: &str = "
SELECT fingerprint, state, interrupted, kind, schema, result, owner
FROM resilience_idempotency_records
WHERE key = $1 AND (expires_at IS NULL OR expires_at > unixepoch('subsec'))";

/// `$1` key, `$2` fingerprint, `$3` nonce. The owner is the empty word, which is nobody's: what is committed
/// without a record can be taken over at once.
const TAKE: &str = "
INSERT INTO resilience_idempotency_records
    (key, fingerprint, state, nonce, owner, attempt, token, created_at)
VALUES ($1, $2, 'running', $3, '', 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER),
        unixepoch('subsec'))
ON CONFLICT (key) DO UPDATE SET
    attempt = CASE WHEN expires_at <= unixepoch('subsec') OR fingerprint <> excluded.fingerprint
                   THEN 1 ELSE attempt + 1 END,
    interrupted = CASE WHEN expires_at <= unixepoch('subsec') THEN 0
                       WHEN state = 'running' THEN 1 ELSE interrupted END,
    token = max(token + 1, excluded.token),
    fingerprint = excluded.fingerprint, state = 'running', nonce = excluded.nonce,
    owner = excluded.owner, kind = NULL, schema = NULL, result = NULL, expires_at = NULL,
    created_at = excluded.created_at";

/// `$1` key, `$2` nonce, `$3` kind, `$4` schema, `$5` content, `$6` seconds to live
const COMPLETE: &str = "
UPDATE resilience_idempotency_records
SET state = 'completed', kind = $3, schema = $4, result = $5,
    expires_at = unixepoch('subsec') + $6
WHERE key = $1 AND nonce = $2 AND state = 'running'";

/// `$1` key, `$2` nonce
const FORGET: &str = "
DELETE FROM resilience_idempotency_records WHERE key = $1 AND nonce = $2 AND state = 'running'";

impl Transactional for SqliteConnection {
    fn is_in_transaction(&mut self) -> bool {
        sqlx::Connection::is_in_transaction(self)
    }

    fn claim(&mut self, claiming: ClaimingIn) -> BoxFuture<'_, Result<ClaimIn, StoreError>> {
        Box::pin(async move {
            // Takes the write lock before anything is read: a transaction that has read something old cannot get it.
            let lock = "UPDATE resilience_idempotency_records SET key = key WHERE key = $1";
            let key = claiming.key.to_string();
            let locked = sqlx::query(lock).bind(&key).execute(&mut *self).await;
            match locked {
                Err(error) if primary_code(&error) == Some(BUSY) => return Ok(ClaimIn::Busy),
                locked => locked.map_err(|error| failed(CLAIMING, error))?,
            };
            let found = sqlx::query(FIND).bind(&key).fetch_optional(&mut *self);
            let found = found.await.map_err(|error| failed(CLAIMING, error))?;
            if let Some(row) = found
                && let Some(answer) = answer(&row, &claiming).map_err(|it| it.refused(CLAIMING))?
            {
                return Ok(answer);
            }
            let take = sqlx::query(TAKE)
                .bind(&key)
                .bind(claiming.fingerprint.to_string())
                .bind(claiming.nonce.to_string());
            let taken = take.execute(&mut *self).await;
            taken.map_err(|error| failed(CLAIMING, error))?;
            Ok(ClaimIn::Granted)
        })
    }

    fn complete(
        &mut self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>> {
        Box::pin(async move {
            let complete = sqlx::query(COMPLETE)
                .bind(key.to_string())
                .bind(nonce.to_string())
                .bind(record.kind.word());
            // A text ends at a NUL character for some versions of SQLite, bytes do not.
            let complete = match record.schema.contains('\0') || record.content.contains('\0') {
                false => complete.bind(&*record.schema).bind(&*record.content),
                true => complete
                    .bind(record.schema.as_bytes())
                    .bind(record.content.as_bytes()),
            };
            let done = complete.bind(ttl.as_secs_f64()).execute(&mut *self).await;
            let done = done.map_err(|error| failed(STORING, error))?;
            Ok(match done.rows_affected() {
                0 => Completion::Refused(None),
                _ => Completion::Stored,
            })
        })
    }

    fn release(
        &mut self,
        key: Digest,
        nonce: Nonce,
        _how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let forget = sqlx::query(FORGET)
                .bind(key.to_string())
                .bind(nonce.to_string());
            let forgotten = forget.execute(&mut *self).await;
            forgotten
                .map(drop)
                .map_err(|error| failed(RELEASING, error))
        })
    }
}

/// What the row answers; nothing when its key can be taken.
fn answer(row: &SqliteRow, claiming: &ClaimingIn) -> Result<Option<ClaimIn>, Unreadable> {
    let state = string(row, 1)?;
    let same = string(row, 0)? == claiming.fingerprint.to_string();
    let interrupted = column::<i64>(row, 2)? != 0;
    if state == "ended" && (same || !interrupted) {
        return Ok(None);
    }
    if !same {
        return Ok(Some(ClaimIn::Mismatch));
    }
    if state == "completed" {
        let record = Record {
            fingerprint: claiming.fingerprint,
            kind: word(row, 3, RecordKind::from_word)?,
            schema: string(row, 4)?.into(),
            content: string(row, 5)?.into(),
        };
        let replaced = claiming.replaces.as_ref() == Some(&record);
        return Ok((!replaced).then_some(ClaimIn::Completed(record)));
    }
    // Of a transaction that was committed without a record: while this one writes, no other one does.
    if string(row, 6)?.is_empty() {
        return Ok(None);
    }
    // A call outside of any transaction has it.
    Ok(Some(ClaimIn::Busy))
}

/// Whatever failed, the transaction is not committed yet.
pub(super) fn failed(doing: &'static str, error: sqlx::Error) -> StoreError {
    let missing = error
        .as_database_error()
        .is_some_and(|error| error.message().starts_with("no such table"));
    if missing {
        let text = "this file has no tables of this crate; open a runtime on it once: \
                    `Runtime::open(\"sqlite://..\")`";
        return StoreError::refused(doing, text);
    }
    StoreError::refused(doing, error)
}

crate::idempotency::transaction::through_deref!(Transaction<'_, Sqlite>, PoolConnection<Sqlite>);
