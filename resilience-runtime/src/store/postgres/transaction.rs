//! Records in the caller's own transaction.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};

use super::call::Call;
use super::failure;
use super::idempotency::{CLAIMING, EVER, STORING, record_in, releasing, taking};
use super::rows::micros;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{Claiming, Completion, Nonce, Record, Release};
use crate::idempotency::transaction::{ClaimIn, ClaimingIn, Transactional};

/// Time stands still within a transaction. So this keeps the claim busy for the transaction itself, where a body
/// calls itself, and for nobody after it.
const LEASE: Duration = Duration::from_micros(1);

/// How often a claim that lost against others is made again. Each time somebody else got on.
const RACES_MAX: u32 = 16;

/// `lock_not_available`: the caller's `lock_timeout` was over.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// `$1` key, `$2` nonce, `$3` kind, `$4` schema, `$5` content, `$6` time to live in µs or NULL.
///
/// Only where the claim still is: were it written anew, a body that rolled the transaction back would leave the record
/// of what it has undone.
const COMPLETE: &str = "
WITH stored AS (
    UPDATE resilience_idempotency_records
    SET state = 'completed', interrupted = false, lease_until = NULL,
        expires_at = coalesce(now() + $6 * interval '1 microsecond', 'infinity'),
        kind = $3, schema = $4, content = $5
    WHERE key = $1 AND nonce = $2 AND state = 'running'
    RETURNING waiters
)
SELECT (
    SELECT count(pg_notify(channel, 'r' || encode($1, 'hex'))) FROM unnest(stored.waiters) AS channel
)
FROM stored";

impl Transactional for PgConnection {
    fn is_in_transaction(&mut self) -> bool {
        sqlx::Connection::is_in_transaction(self)
    }

    fn claim(&mut self, claiming: ClaimingIn) -> BoxFuture<'_, Result<ClaimIn, StoreError>> {
        Box::pin(async move {
            let claiming = Claiming {
                key: claiming.key,
                fingerprint: claiming.fingerprint,
                nonce: claiming.nonce,
                lease: LEASE,
                waits: false,
                replaces: claiming.replaces,
            };
            for _ in 0..RACES_MAX {
                let rows = match taking(&claiming, None).prepared(self).await {
                    Err(error) if is_lock_timeout(&error) => return Ok(ClaimIn::Busy),
                    rows => rows.map_err(|error| failed(CLAIMING.doing, error))?,
                };
                // No row: another transaction had the key, this one waited for it, and looked at a time before.
                let Some(row) = rows.first() else { continue };
                return Ok(match CLAIMING.column::<&str>(row, 0)? {
                    "granted" => ClaimIn::Granted,
                    "completed" => {
                        ClaimIn::Completed(record_in(&CLAIMING, row, 5, claiming.fingerprint)?)
                    }
                    "mismatch" => ClaimIn::Mismatch,
                    _ => ClaimIn::Busy,
                });
            }
            Ok(ClaimIn::Busy)
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
            let call = Call::new(STORING.doing, COMPLETE)
                .bytes(*key.as_bytes())
                .bytes(nonce.as_u128().to_be_bytes())
                .text(record.kind.word())
                .text(&*record.schema)
                .bytes(record.content.as_bytes())
                .maybe_number((ttl < EVER).then(|| micros(ttl)));
            let rows = run(self, call).await?;
            Ok(match rows.is_empty() {
                false => Completion::Stored,
                true => Completion::Refused(None),
            })
        })
    }

    fn release(
        &mut self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { run(self, releasing(key, nonce, how)).await.map(drop) })
    }
}

pub(super) async fn run(
    connection: &mut PgConnection,
    call: Call,
) -> Result<Vec<sqlx::postgres::PgRow>, StoreError> {
    let rows = call.prepared(connection).await;
    rows.map_err(|error| failed(call.doing, error))
}

/// Whatever failed, the transaction is not committed yet.
fn failed(doing: &'static str, error: sqlx::Error) -> StoreError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some("42P01") {
        let text = "this database has no tables of this crate; open a runtime on it once: \
                    `Runtime::open(\"postgres://..\")`";
        return StoreError::refused(doing, text);
    }
    failure::error(doing, false, error)
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(LOCK_NOT_AVAILABLE)
}

crate::idempotency::transaction::through_deref!(
    Transaction<'_, Postgres>,
    PoolConnection<Postgres>
);
