//! Idempotency records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;

use super::operation::{Operation, exact};
use super::rows::{column, string};
use super::statements::Part;
use super::{SqliteStore, failure};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{
    Busy, Claim, Claiming, Completion, FencingToken, Grant, IdempotencyStore, Nonce, Ownership,
    Record, RecordKind, Release, TRACE,
};
use crate::lock::store::PLACE;
use crate::store::rows::{Unreadable, number, word};

/// Every so many claims, a little of what is over is deleted: more than that many claims can have
/// added, so that it does not pile up, and so little that nobody waits for it.
const CLAIMS_PER_CLEANING: u64 = 64;
const DELETED_AT_ONCE: u64 = 2 * CLAIMS_PER_CLEANING;

const CLAIMING: &str = "claiming an idempotency key";
const COMPLETING: &str = "storing an idempotent result";

/// What a claim found.
enum Found {
    Answer(Claim),
    /// Another worker runs it, if it is alive.
    Held {
        owner: String,
        nonce: String,
    },
}

impl IdempotencyStore for SqliteStore {
    fn ownership(&self) -> Ownership {
        Ownership::Process
    }

    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move {
            if let Some(answer) = self.hit(&claiming).await? {
                return Ok(answer);
            }
            let mut gone = None;
            loop {
                let operation = self.claiming(&claiming, gone.as_deref());
                let rows = self.write(operation).await?;
                match found(&rows, &claiming).map_err(|e| e.in_doubt(CLAIMING))? {
                    Found::Answer(claim) => return Ok(claim),
                    Found::Held { owner, .. } if self.is_gone(owner.clone()).await? => {
                        // The next round takes the key, if it is still that owner's.
                        gone = Some(owner);
                    }
                    Found::Held { nonce, .. } => return Ok(self.busy(&claiming, nonce)),
                }
            }
        })
    }

    /// There are no leases.
    fn renew(
        &self,
        _key: Digest,
        _nonce: Nonce,
        _lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn complete(
        &self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>> {
        Box::pin(async move {
            let (key, nonce) = (key.to_string(), nonce.to_string());
            let change = (
                &key,
                record.fingerprint.to_string(),
                &nonce,
                self.shared.worker.id(),
                record.kind.word(),
                exact(&record.schema),
                exact(&record.content),
                ttl.as_secs_f64(),
            );
            let operation = Operation::new(COMPLETING, Part::Complete, &key)
                .touching("record", &key)
                .with(Part::Complete, &change);
            let rows = self.write(operation).await?;
            completion(&rows, &nonce).map_err(|error| error.in_doubt(COMPLETING))
        })
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let key = key.to_string();
            let change = (
                &key,
                nonce.to_string(),
                u8::from(how == Release::Unused),
                u8::from(how == Release::Interrupted),
                TRACE.as_secs_f64(),
            );
            let operation = Operation::new("releasing an idempotency key", Part::Release, &key)
                .touching("record", &key)
                .with(Part::Release, &change);
            self.write(operation).await.map(drop)
        })
    }
}

impl SqliteStore {
    /// The answer to a claim whose key is completed, which is only read.
    async fn hit(&self, claiming: &Claiming) -> Result<Option<Claim>, StoreError> {
        const HIT: &str = "
            SELECT fingerprint, kind, schema, result FROM resilience_idempotency_records
            WHERE key = ?1 AND state = 'completed' AND expires_at > unixepoch('subsec')";
        let mut reader = self.shared.readers.acquire_for_hit(CLAIMING).await?;
        let row = sqlx::query(HIT)
            .bind(claiming.key.to_string())
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| failure::reading(CLAIMING, error))?;
        let Some(row) = row else {
            return Ok(None);
        };
        let answer = answer_of(&row, 0, [1, 2, 3], claiming);
        let answer = answer.map_err(|error| error.refused(CLAIMING))?;
        let replaced =
            matches!(&answer, Claim::Completed(it) if Some(it) == claiming.replaces.as_ref());
        Ok((!replaced).then_some(answer))
    }

    fn claiming(&self, claiming: &Claiming, gone: Option<&str>) -> Operation {
        let key = claiming.key.to_string();
        let fingerprint = claiming.fingerprint.to_string();
        let nonce = claiming.nonce.to_string();
        let owner = self.shared.worker.id();
        let mut operation = Operation::new(CLAIMING, Part::Claim, &key).touching("record", &key);
        if gone.is_some() || claiming.replaces.is_some() {
            let replaces = claiming.replaces.as_ref().map(|record| {
                serde_json::json!({
                    "kind": record.kind.word(),
                    "schema": exact(&record.schema),
                    "content": exact(&record.content),
                })
            });
            let inherit = (&key, &fingerprint, &nonce, owner, gone, replaces);
            operation = operation.with(Part::Inherit, &inherit);
        }
        let claim = (&key, &fingerprint, &nonce, owner);
        self.cleaning(operation.with(Part::Claim, &claim))
    }

    /// Now and then, something to clean up goes with what takes a key.
    pub(super) fn cleaning(&self, operation: Operation) -> Operation {
        let before = self.shared.claims.fetch_add(1, Ordering::Relaxed);
        if before % CLAIMS_PER_CLEANING == CLAIMS_PER_CLEANING - 1 {
            return operation.with(Part::Expire, &(DELETED_AT_ONCE, PLACE.as_secs_f64()));
        }
        operation
    }

    fn busy(&self, claiming: &Claiming, holder: String) -> Claim {
        if !claiming.waits {
            return busy();
        }
        let wakes = &self.shared.wakes;
        let registered = wakes.until_ended(claiming.key.to_string(), holder);
        Claim::Busy(Busy {
            left: None,
            woken: Box::pin(async move {
                registered.woken().await;
                None
            }),
        })
    }
}

/// Reads the record that is there after the attempt to take it. Other arguments are a mismatch
/// whoever used them: also a worker that is gone may have had its effect with them.
fn found(rows: &[SqliteRow], claiming: &Claiming) -> Result<Found, Unreadable> {
    let row = rows.first().ok_or_else(Unreadable::missing)?;
    let state: String = column(row, 3)?;
    let is_callers = column::<String>(row, 4)? == claiming.nonce.to_string();
    if state == "running" && is_callers {
        let grant = Grant {
            attempt: number(row, 6)?,
            interrupted: column::<i64>(row, 7)? != 0,
            token: token(row, 8)?,
        };
        return Ok(Found::Answer(Claim::Granted(grant)));
    }
    if state == "running" && column::<String>(row, 2)? == claiming.fingerprint.to_string() {
        return Ok(Found::Held {
            owner: column(row, 5)?,
            nonce: column(row, 4)?,
        });
    }
    answer_of(row, 2, [9, 10, 11], claiming).map(Found::Answer)
}

/// The answer of a record that is not running: its fingerprint and its content are in these columns.
fn answer_of(
    row: &SqliteRow,
    fingerprint: usize,
    [kind, schema, content]: [usize; 3],
    claiming: &Claiming,
) -> Result<Claim, Unreadable> {
    if column::<String>(row, fingerprint)? != claiming.fingerprint.to_string() {
        return Ok(Claim::Mismatch);
    }
    record(row, claiming.fingerprint, [kind, schema, content]).map(Claim::Completed)
}

fn completion(rows: &[SqliteRow], nonce: &str) -> Result<Completion, Unreadable> {
    let row = rows.first().ok_or_else(Unreadable::missing)?;
    if column::<String>(row, 4)? == nonce {
        return Ok(Completion::Stored);
    }
    if column::<String>(row, 3)? != "completed" {
        return Ok(Completion::Refused(None));
    }
    let fingerprint: String = column(row, 2)?;
    let fingerprint = Digest::from_hex(&fingerprint).ok_or_else(Unreadable::missing)?;
    let theirs = record(row, fingerprint, [5, 6, 7])?;
    Ok(Completion::Refused(Some(theirs)))
}

fn record(
    row: &SqliteRow,
    fingerprint: Digest,
    [kind, schema, content]: [usize; 3],
) -> Result<Record, Unreadable> {
    Ok(Record {
        fingerprint,
        kind: word(row, kind, RecordKind::from_word)?,
        schema: Arc::from(string(row, schema)?),
        content: Arc::from(string(row, content)?),
    })
}

/// A fencing token.
pub(super) fn token(row: &SqliteRow, index: usize) -> Result<FencingToken, Unreadable> {
    let number: i64 = column(row, index)?;
    u64::try_from(number)
        .map(FencingToken::new)
        .map_err(|_| Unreadable::out_of_range(number))
}

fn busy() -> Claim {
    Claim::Busy(Busy {
        left: None,
        woken: Box::pin(std::future::pending()),
    })
}
