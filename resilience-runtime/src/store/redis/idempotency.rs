//! Idempotency records.

mod record;

use std::time::Duration;

use redis::Value;

use self::record::{RUNNING, body, head, padded, result};
use super::RedisStore;
use super::script::{Call, Script, script};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{
    Busy, Claim, Claiming, Completion, Grant, IdempotencyStore, Record, Release, TRACE,
};
use crate::lease::{FencingToken, Nonce, Ownership};

static CLAIM: Script = script!("idempotency/claim.lua");
static COMPLETE: Script = script!("idempotency/complete.lua");
static RENEW: Script = script!("idempotency/renew.lua");
static RELEASE: Script = script!("idempotency/release.lua");

/// What is pushed to waiters together with the news: more would be sent to every process that waits, wanted or not.
const PUSHED_BYTES_MAX: usize = 8 * 1024;

impl IdempotencyStore for RedisStore {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(self.claim_key(claiming))
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let call = Call {
                doing: "renewing a key",
                script: &RENEW,
                keys: &self.keys(key),
                arguments: &[
                    nonce.to_string().into(),
                    millis(lease).into(),
                    millis(lease.saturating_add(TRACE)).into(),
                ],
            };
            match self.inner.connection.run(&call).await? {
                Value::Int(renewed) => Ok(renewed == 1),
                _ => Err(unreadable(call.doing)),
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
        Box::pin(self.complete_key(key, nonce, record, ttl))
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let how = match how {
                Release::Failed => "failed",
                Release::Interrupted => "interrupted",
                Release::Unused => "unused",
            };
            let call = Call {
                doing: "releasing a key",
                script: &RELEASE,
                keys: &self.keys(key),
                arguments: &[nonce.to_string().into(), how.into(), millis(TRACE).into()],
            };
            self.inner.connection.run(&call).await.map(drop)
        })
    }
}

impl RedisStore {
    async fn claim_key(&self, claiming: Claiming) -> Result<Claim, StoreError> {
        let keys = self.keys(claiming.key);
        let listener = &self.inner.listener;
        // Before the question: what is published right after the answer must find somebody.
        let waiter = claiming
            .waits
            .then(|| listener.waiters().register(&keys[0]));
        let channel = if claiming.waits {
            listener.channel()
        } else {
            ""
        };
        let Claiming {
            fingerprint, lease, ..
        } = claiming;
        let mut arguments = Vec::with_capacity(6);
        arguments.extend([
            head(RUNNING, fingerprint, claiming.nonce).into(),
            millis(lease).into(),
            millis(lease.saturating_add(TRACE)).into(),
            channel.into(),
        ]);
        // One with another fingerprint is not the one that can be there, which the script does not ask again.
        let replaces = claiming.replaces.as_ref();
        if let Some(record) = replaces.filter(|it| it.fingerprint == fingerprint) {
            arguments.extend([padded(record.kind.word()).into(), body(record).into()]);
        }
        let call = Call {
            doing: "claiming a key",
            script: &CLAIM,
            keys: &keys,
            arguments: &arguments,
        };
        let claim = match self.inner.connection.run(&call).await? {
            Value::Int(left) => {
                let woken: BoxFuture<'static, Option<Record>> = match waiter {
                    Some(waiter) => {
                        Box::pin(async { waiter.await.and_then(|message| result(&message)) })
                    }
                    None => Box::pin(std::future::pending()),
                };
                let left = u64::try_from(left).unwrap_or(0);
                Some(Claim::Busy(Busy {
                    left: Some(Duration::from_millis(left)),
                    woken,
                }))
            }
            Value::BulkString(answer) => match answer.first() {
                Some(b'0'..=b'9') => granted(&answer).map(Claim::Granted),
                Some(b'm') => Some(Claim::Mismatch),
                _ => result(&answer).map(|record| {
                    if record.fingerprint == fingerprint {
                        Claim::Completed(record)
                    } else {
                        Claim::Mismatch
                    }
                }),
            },
            _ => None,
        };
        claim.ok_or_else(|| unreadable(call.doing))
    }

    /// The one key of a record, as a list.
    fn keys(&self, key: Digest) -> [String; 1] {
        [self.key(key, "record")]
    }

    async fn complete_key(
        &self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> Result<Completion, StoreError> {
        let pushes = record.content.len() <= PUSHED_BYTES_MAX;
        let call = Call {
            doing: "storing a result",
            script: &COMPLETE,
            keys: &self.keys(key),
            arguments: &[
                head(record.kind.word(), record.fingerprint, nonce).into(),
                body(&record).into(),
                millis_or_for_ever(ttl).into(),
                if pushes { "1" } else { "" }.into(),
            ],
        };
        match self.inner.connection.run(&call).await? {
            Value::Int(1) => Ok(Completion::Stored),
            Value::Int(0) => Ok(Completion::Refused(None)),
            Value::BulkString(stored) => {
                let record = result(&stored).ok_or_else(|| unreadable(call.doing))?;
                Ok(Completion::Refused(Some(record)))
            }
            _ => Err(unreadable(call.doing)),
        }
    }
}

/// Rounded up: nothing is over before its time.
fn millis(duration: Duration) -> String {
    // Beyond this the clock of the server would overflow.
    const LONGEST: u128 = 1 << 52;
    let millis = duration.as_nanos().div_ceil(1_000_000);
    // A server does not take 0.
    millis.clamp(1, LONGEST).to_string()
}

/// Empty where no clock reaches so far.
fn millis_or_for_ever(ttl: Duration) -> String {
    const AGES: Duration = Duration::from_secs(1 << 40);
    if ttl >= AGES {
        String::new()
    } else {
        millis(ttl)
    }
}

/// From the line of a claim.
fn granted(line: &[u8]) -> Option<Grant> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    Some(Grant {
        attempt: words.next()?.parse().unwrap_or(u32::MAX),
        interrupted: words.next()? == "1",
        token: FencingToken::new(words.next()?.parse().ok()?),
    })
}

fn unreadable(doing: &'static str) -> StoreError {
    StoreError::in_doubt(doing, "the server answered with something else")
}
