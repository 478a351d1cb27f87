//! Locks: each is one text with its holder, its token and its line. It outlives its end by [`TRACE`], for the token.

use std::borrow::Cow;
use std::time::Duration;

use redis::Value;

use super::RedisStore;
use super::replicated::CONFIRM;
use super::script::{Call, Script, script};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::TRACE;
use crate::lease::{FencingToken, Nonce, Ownership};
use crate::lock::redlock::Node;
use crate::lock::store::{Acquired, Acquiring, LockStore, PLACE};

static ACQUIRE: Script = script!("lock/acquire.lua");
static RENEW: Script = script!("lock/renew.lua");
static RELEASE: Script = script!("lock/release.lua");
static RAISE: Script = script!("lock/raise.lua");

const ACQUIRING: &str = "taking a lock";

impl LockStore for RedisStore {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(self.acquire_lock(acquiring, None))
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let arguments = [
            nonce.to_string(),
            millis(lease),
            millis(lease.saturating_add(TRACE)),
        ];
        Box::pin(self.on_held(key, "renewing a lock", &RENEW, arguments))
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let call = Call {
                doing: "releasing a lock",
                script: &RELEASE,
                keys: &[self.lock_key(key)],
                arguments: &[
                    nonce.to_string().into(),
                    millis(TRACE).into(),
                    millis(PLACE).into(),
                ],
            };
            self.inner.connection.run(&call).await.map(drop)
        })
    }
}

impl Node for RedisStore {
    fn acquire_from(
        &self,
        acquiring: Acquiring,
        floor: FencingToken,
    ) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(self.acquire_lock(acquiring, Some(floor)))
    }

    fn raise(
        &self,
        key: Digest,
        nonce: Nonce,
        token: FencingToken,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let arguments = [nonce.to_string(), token.to_string()];
        Box::pin(self.on_held(key, "raising the token of a lock", &RAISE, arguments))
    }
}

impl RedisStore {
    async fn acquire_lock(
        &self,
        acquiring: Acquiring,
        floor: Option<FencingToken>,
    ) -> Result<Acquired, StoreError> {
        // Before the question is sent: what is published after the answer is not missed.
        let listener = &self.inner.listener;
        let waiter = acquiring
            .waits
            .then(|| listener.waiters().register(&acquiring.nonce.to_string()));
        let channel = if acquiring.waits {
            listener.channel()
        } else {
            ""
        };
        let floor = floor.map(|floor| floor.to_string()).unwrap_or_default();
        let call = Call {
            doing: ACQUIRING,
            script: &ACQUIRE,
            keys: &[self.lock_key(acquiring.key)],
            arguments: &[
                acquiring.nonce.to_string().into(),
                millis(acquiring.lease).into(),
                millis(acquiring.lease.saturating_add(TRACE)).into(),
                millis(PLACE).into(),
                channel.into(),
                floor.into(),
                acquiring.replicas.to_string().into(),
            ],
        };
        let answer = match acquiring.replicas {
            0 => self.inner.connection.run(&call).await?,
            replicas => self.replicated(&call, acquiring, replicas).await?,
        };
        match answer {
            Value::BulkString(token) => {
                let token = std::str::from_utf8(&token).ok();
                let token = token.and_then(|token| token.parse().ok());
                Ok(Acquired::Granted {
                    token: FencingToken::new(token.ok_or_else(unreadable)?),
                    validity: None,
                })
            }
            Value::Int(left) => Ok(Acquired::Busy {
                left: u64::try_from(left).ok().map(Duration::from_millis),
                woken: match waiter {
                    Some(waiter) => Box::pin(async { drop(waiter.await) }),
                    None => Box::pin(std::future::pending()),
                },
            }),
            Value::Array(there) => {
                let needed = acquiring.replicas;
                let [Value::Int(there)] = there[..] else {
                    return Err(unreadable());
                };
                let text = format!(
                    "`replicas = {needed}` needs a server with as many, and it has {there}"
                );
                Err(StoreError::refused(ACQUIRING, text))
            }
            _ => Err(unreadable()),
        }
    }

    /// Acquires, and waits for so many replicas; if they do not confirm it, the lock is given back.
    async fn replicated(
        &self,
        call: &Call<'_>,
        acquiring: Acquiring,
        replicas: u32,
    ) -> Result<Value, StoreError> {
        let (answer, confirmed) = self.inner.replicated.run(call, replicas).await?;
        let is_granted = matches!(answer, Value::BulkString(_));
        if !is_granted || confirmed >= replicas {
            return Ok(answer);
        }
        let text =
            format!("{confirmed} of {replicas} replicas confirmed the lock within {CONFIRM:?}");
        // Where this fails, too, it ends with its lease.
        let given_back = LockStore::release(self, acquiring.key, acquiring.nonce).await;
        Err(match given_back {
            Ok(()) => StoreError::refused(ACQUIRING, text),
            Err(error) => StoreError::in_doubt(ACQUIRING, format!("{text}; then {error}")),
        })
    }

    /// Runs a script that asks whether the caller holds the lock.
    async fn on_held<const N: usize>(
        &self,
        key: Digest,
        doing: &'static str,
        script: &Script,
        arguments: [String; N],
    ) -> Result<bool, StoreError> {
        let call = Call {
            doing,
            script,
            keys: &[self.lock_key(key)],
            arguments: &arguments.map(Cow::Owned),
        };
        match self.inner.connection.run(&call).await? {
            Value::Int(held) => Ok(held == 1),
            _ => Err(StoreError::in_doubt(doing, UNREADABLE)),
        }
    }

    fn lock_key(&self, key: Digest) -> String {
        self.key(key, "lock")
    }
}

const UNREADABLE: &str = "the server answered with something else";

fn unreadable() -> StoreError {
    StoreError::in_doubt(ACQUIRING, UNREADABLE)
}

/// Rounded up: nothing is over before its time.
fn millis(duration: Duration) -> String {
    duration.as_nanos().div_ceil(1_000_000).max(1).to_string()
}
