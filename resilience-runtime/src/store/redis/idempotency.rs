//! Idempotency records.

mod record;

use std::time::Duration;

use redis::Value;

use self::record::{pushed, record_of, text};
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
                    millis(TRACE).into(),
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
        // One with another fingerprint is not the one that can be there, which the script does not ask again.
        let replaces = claiming.replaces.as_ref();
        let replaces = replaces.filter(|it| it.fingerprint == claiming.fingerprint);
        let [kind, schema, content] = replaces.map_or([""; 3], |record| {
            [record.kind.word(), &record.schema, &record.content]
        });
        let call = Call {
            doing: "claiming a key",
            script: &CLAIM,
            keys: &keys,
            arguments: &[
                claiming.fingerprint.to_string().into(),
                claiming.nonce.to_string().into(),
                millis(claiming.lease).into(),
                millis(TRACE).into(),
                channel.into(),
                kind.into(),
                schema.into(),
                content.into(),
            ],
        };
        let Value::Array(answer) = self.inner.connection.run(&call).await? else {
            return Err(unreadable(call.doing));
        };
        let word = answer.first().and_then(text);
        let claim = match (word, answer.get(1..).unwrap_or_default()) {
            (Some("granted"), fields) => granted(fields).map(Claim::Granted),
            (Some("completed"), fields) => record_of(fields).map(Claim::Completed),
            (Some("mismatch"), _) => Some(Claim::Mismatch),
            (Some("busy"), [Value::Int(left)]) => {
                let woken: BoxFuture<'static, Option<Record>> = match waiter {
                    Some(waiter) => {
                        Box::pin(async { waiter.await.and_then(|message| pushed(&message)) })
                    }
                    None => Box::pin(std::future::pending()),
                };
                let left = u64::try_from(*left).unwrap_or(0);
                Some(Claim::Busy(Busy {
                    left: Some(Duration::from_millis(left)),
                    woken,
                }))
            }
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
        let call = Call {
            doing: "storing a result",
            script: &COMPLETE,
            keys: &self.keys(key),
            arguments: &[
                nonce.to_string().into(),
                record.kind.word().into(),
                record.fingerprint.to_string().into(),
                (&*record.schema).into(),
                (&*record.content).into(),
                millis_or_for_ever(ttl).into(),
                PUSHED_BYTES_MAX.to_string().into(),
            ],
        };
        let Value::Array(answer) = self.inner.connection.run(&call).await? else {
            return Err(unreadable(call.doing));
        };
        let word = answer.first().and_then(text);
        match (word, answer.get(1..).unwrap_or_default()) {
            (Some("stored"), _) => Ok(Completion::Stored),
            (Some("refused"), []) => Ok(Completion::Refused(None)),
            (Some("refused"), fields) => Ok(Completion::Refused(Some(
                record_of(fields).ok_or_else(|| unreadable(call.doing))?,
            ))),
            _ => Err(unreadable(call.doing)),
        }
    }
}

/// Rounded up: nothing is over before its time.
fn millis(duration: Duration) -> String {
    // Beyond this the clock of the server would overflow.
    const LONGEST: u128 = 1 << 52;
    let millis = duration.as_nanos().div_ceil(1_000_000);
    millis.min(LONGEST).to_string()
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

fn granted(fields: &[Value]) -> Option<Grant> {
    let [Value::Int(attempt), Value::Int(interrupted), token] = fields else {
        return None;
    };
    Some(Grant {
        attempt: u32::try_from(*attempt).unwrap_or(u32::MAX),
        interrupted: *interrupted == 1,
        token: FencingToken::new(text(token)?.parse().ok()?),
    })
}

fn unreadable(doing: &'static str) -> StoreError {
    StoreError::in_doubt(doing, "the server answered with something else")
}
