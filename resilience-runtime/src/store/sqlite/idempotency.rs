//! Idempotency records.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::SqliteStore;
use super::operation::{Operation, text};
use super::rows::{Unreadable, column, number};
use super::statements::Part;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{
    Busy, Claim, Claiming, Completion, FencingToken, Grant, IdempotencyStore, Nonce, Ownership,
    Record, RecordKind, Release,
};

/// Every so many claims, a few expired records are deleted: more than that many claims can have
/// added, so that they do not pile up, and few enough that nobody waits for it.
const CLAIMS_PER_CLEANING: u64 = 64;
const DELETED_AT_ONCE: u64 = 2 * CLAIMS_PER_CLEANING;

const CLAIMING: &str = "claiming an idempotency key";

/// What a claim found.
enum Found {
    Answer(Claim),
    /// Another worker runs it, if it is alive.
    Held {
        owner: String,
    },
}

impl IdempotencyStore for SqliteStore {
    fn ownership(&self) -> Ownership {
        Ownership::Process
    }

    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move {
            let Claiming {
                key,
                fingerprint,
                nonce,
                ..
            } = claiming;
            let mut gone = None;
            loop {
                let operation = self.claiming(key, fingerprint, nonce, gone.as_deref());
                let rows = self.write(operation).await?;
                match found(&rows, fingerprint, nonce).map_err(|e| e.in_doubt(CLAIMING))? {
                    Found::Answer(claim) => return Ok(claim),
                    Found::Held { owner } if self.is_gone(owner.clone()).await? => {
                        // The next round takes the key, if it is still that owner's.
                        gone = Some(owner);
                    }
                    Found::Held { .. } => return Ok(busy()),
                }
            }
        })
    }

    fn complete(
        &self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>> {
        Box::pin(async move {
            let key = key.to_string();
            let change = (
                &key,
                record.fingerprint.to_string(),
                spelled(nonce),
                self.shared.worker.id(),
                text(&record.content),
                ttl.as_secs_f64(),
            );
            let operation = Operation::new("storing an idempotent result", Part::Complete, &key)
                .touching("record", &key)
                .with(Part::Complete, &change);
            Ok(if self.write(operation).await?.is_empty() {
                Completion::Refused(None)
            } else {
                Completion::Stored
            })
        })
    }

    fn renew(
        &self,
        _key: Digest,
        _nonce: Nonce,
        _lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        _how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let key = key.to_string();
            let operation = Operation::new("releasing an idempotency key", Part::Release, &key)
                .touching("record", &key)
                .with(Part::Release, &(&key, spelled(nonce)));
            self.write(operation).await.map(drop)
        })
    }
}

impl SqliteStore {
    fn claiming(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
        gone: Option<&str>,
    ) -> Operation {
        let key = key.to_string();
        let claim = (
            &key,
            fingerprint.to_string(),
            spelled(nonce),
            self.shared.worker.id(),
            gone,
        );
        let mut operation = Operation::new(CLAIMING, Part::Claim, &key)
            .touching("record", &key)
            .with(Part::Claim, &claim);
        if gone.is_some() {
            operation = operation.with(Part::Inherit, &claim);
        }
        let before = self.shared.claims.fetch_add(1, Ordering::Relaxed);
        if before % CLAIMS_PER_CLEANING == CLAIMS_PER_CLEANING - 1 {
            operation = operation.with(Part::Expire, &(DELETED_AT_ONCE,));
        }
        operation
    }
}

/// Reads the record that is there after the attempt to take it. Other arguments are a mismatch
/// whoever used them: also a worker that is gone may have had its effect with them.
fn found(
    rows: &[sqlx::sqlite::SqliteRow],
    fingerprint: Digest,
    nonce: Nonce,
) -> Result<Found, Unreadable> {
    let Some(row) = rows.first() else {
        return Ok(Found::Answer(busy()));
    };
    let state: String = column(row, 3)?;
    if column::<String>(row, 2)? != fingerprint.to_string() {
        return Ok(Found::Answer(Claim::Mismatch));
    }
    if state == "completed" {
        let content: String = column(row, 7)?;
        let record = Record {
            fingerprint,
            kind: RecordKind::Value,
            schema: "".into(),
            content: content.into(),
        };
        return Ok(Found::Answer(Claim::Completed(record)));
    }
    if column::<String>(row, 4)? == spelled(nonce) {
        let attempt = number(row, 6)?;
        let grant = Grant {
            attempt,
            interrupted: attempt > 1,
            token: FencingToken::new(u64::from(attempt)),
        };
        return Ok(Found::Answer(Claim::Granted(grant)));
    }
    Ok(Found::Held {
        owner: column(row, 5)?,
    })
}

fn busy() -> Claim {
    Claim::Busy(Busy {
        left: None,
        woken: Box::pin(std::future::pending()),
    })
}

fn spelled(nonce: Nonce) -> String {
    format!("{:032x}", nonce.as_u128())
}
