//! Idempotency records.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgRow;
use tokio::time::sleep;

use super::PostgresStore;
use super::call::Call;
use super::rows::{Reader, micros};
use super::statements::{CLAIM, COMPLETE, RELEASE, RENEW};
use super::wakes::{Topic, Waiting, fits};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{
    Busy, Claim, Claiming, Completion, Grant, IdempotencyStore, Nonce, Ownership, Record,
    RecordKind, Release,
};

pub(super) const CLAIMING: Reader = Reader {
    doing: "claiming an idempotency key",
};
pub(super) const STORING: Reader = Reader {
    doing: "storing an idempotent result",
};

/// How often a claim that lost against others is made again at once. Each time somebody else got on.
const RACES_MAX: u32 = 16;

/// A record that is kept longer than this is kept for ever.
pub(super) const EVER: Duration = Duration::from_secs(31_556_952 * 1_000);

impl IdempotencyStore for PostgresStore {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move {
            let waiting = self.waiting(Topic::Record(claiming.key), claiming.waits);
            for _ in 0..RACES_MAX {
                let rows = self
                    .call(taking(&claiming, self.channel_of(claiming.waits)))
                    .await?;
                if let Some(row) = rows.first() {
                    return self.found(row, &claiming, waiting);
                }
            }
            // So many others are at it that it can wait.
            Ok(Claim::Busy(Busy {
                left: None,
                woken: Box::pin(async {
                    pause().await;
                    None
                }),
            }))
        })
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let call = Call::new("renewing an idempotency key", RENEW)
                .bytes(*key.as_bytes())
                .bytes(nonce.as_u128().to_be_bytes())
                .number(micros(lease));
            Ok(!self.call(call).await?.is_empty())
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
            let call = completing(key, nonce, &record, ttl);
            let rows = self.call(call).await?;
            let Some(row) = rows.first() else {
                // Theirs came after this statement had begun.
                return Ok(Completion::Refused(None));
            };
            Ok(match STORING.column::<&str>(row, 0)? {
                "stored" => Completion::Stored,
                "completed" => Completion::Refused(Some(Record {
                    fingerprint: STORING.digest(row, 4)?,
                    ..record_in(&STORING, row, 1, record.fingerprint)?
                })),
                _ => Completion::Refused(None),
            })
        })
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let call = releasing(key, nonce, how);
            self.call(call).await.map(drop)
        })
    }
}

impl PostgresStore {
    fn found(
        &self,
        row: &PgRow,
        claiming: &Claiming,
        waiting: Option<Waiting>,
    ) -> Result<Claim, StoreError> {
        Ok(match CLAIMING.column::<&str>(row, 0)? {
            "granted" => {
                self.reap_sometimes();
                let attempt: i32 = CLAIMING.column(row, 1)?;
                Claim::Granted(Grant {
                    attempt: u32::try_from(attempt).map_err(|error| CLAIMING.unreadable(error))?,
                    interrupted: CLAIMING.column(row, 2)?,
                    token: CLAIMING.token(row, 3)?,
                })
            }
            "completed" => Claim::Completed(record_in(&CLAIMING, row, 5, claiming.fingerprint)?),
            "mismatch" => Claim::Mismatch,
            _ => Claim::Busy(Busy {
                left: CLAIMING.remaining(row, 4)?,
                woken: self.woken(waiting, claiming.waits),
            }),
        })
    }

    /// The channel to be notified, where the caller waits and somebody listens.
    pub(super) fn channel_of(&self, waits: bool) -> Option<String> {
        let channel = self.shared.channel.as_ref().filter(|_| waits);
        channel.cloned()
    }

    /// A place among the waiters, from before the question is sent.
    pub(super) fn waiting(&self, topic: Topic, waits: bool) -> Option<Waiting> {
        let listens = waits && self.shared.channel.is_some();
        listens.then(|| Arc::clone(&self.shared.wakes).register(topic))
    }

    /// Resolves when it may be worth to ask again.
    pub(super) fn woken(
        &self,
        waiting: Option<Waiting>,
        waits: bool,
    ) -> BoxFuture<'static, Option<Record>> {
        match waiting {
            Some(waiting) => waiting.woken(),
            None if waits => Box::pin(async {
                pause().await;
                None
            }),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// The question for a key; `channel` is notified where it is busy.
pub(super) fn taking(claiming: &Claiming, channel: Option<String>) -> Call {
    // One of other arguments is a mismatch and no record of this call.
    let replaced = claiming.replaces.as_ref();
    let replaced = replaced.filter(|it| it.fingerprint == claiming.fingerprint);
    Call::new(CLAIMING.doing, CLAIM)
        .bytes(*claiming.key.as_bytes())
        .bytes(*claiming.fingerprint.as_bytes())
        .bytes(claiming.nonce.as_u128().to_be_bytes())
        .number(micros(claiming.lease))
        .maybe_text(channel)
        .maybe_text(replaced.map(|it| it.kind.word().to_owned()))
        .maybe_text(replaced.map(|it| it.schema.to_string()))
        .maybe_bytes(replaced.map(|it| it.content.as_bytes().to_vec()))
}

fn completing(key: Digest, nonce: Nonce, record: &Record, ttl: Duration) -> Call {
    Call::new(STORING.doing, COMPLETE)
        .bytes(*key.as_bytes())
        .bytes(nonce.as_u128().to_be_bytes())
        .bytes(*record.fingerprint.as_bytes())
        .text(record.kind.word())
        .text(&*record.schema)
        .bytes(record.content.as_bytes())
        .maybe_number((ttl < EVER).then(|| micros(ttl)))
        .flag(fits(record))
}

pub(super) fn releasing(key: Digest, nonce: Nonce, how: Release) -> Call {
    Call::new("releasing an idempotency key", RELEASE)
        .bytes(*key.as_bytes())
        .bytes(nonce.as_u128().to_be_bytes())
        .text(match how {
            Release::Failed => "failed",
            Release::Interrupted => "interrupted",
            Release::Unused => "unused",
        })
}

/// Where nobody can be woken: 50 to 250 ms, so that those who wait for one thing do not ask all at once.
async fn pause() {
    sleep(Duration::from_millis(fastrand::u64(50..=250))).await;
}

/// The record in the columns from `first` on: kind, schema, content.
pub(super) fn record_in(
    reader: &Reader,
    row: &PgRow,
    first: usize,
    fingerprint: Digest,
) -> Result<Record, StoreError> {
    let kind = RecordKind::from_word(reader.column(row, first)?);
    Ok(Record {
        fingerprint,
        kind: kind.ok_or_else(|| reader.unreadable("a kind is unknown"))?,
        schema: reader.column::<&str>(row, first + 1)?.into(),
        content: reader.content(row, first + 2)?.into(),
    })
}
