//! Idempotency records.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{MemoryStore, Owner, is_gone};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{
    Busy, Claim, Claiming, Completion, Grant, IdempotencyStore, Record, Release, TRACE,
};
use crate::lease::{FencingToken, Nonce, Ownership};

/// So many records are kept without a look at whether they are over.
const MANY: usize = 1_024;

/// What is kept under a key.
pub(super) struct Entry {
    fingerprint: Digest,
    nonce: Nonce,
    grant: Grant,
    state: State,
    /// Wakes the waiters of all runtimes on this store.
    changed: Arc<Notify>,
}

enum State {
    Running { owner: Owner, until: Instant },
    Ended { how: Release, until: Instant },
    // `None` for a time that is too far away for the clock.
    Completed(Record, Option<Instant>),
}

impl Entry {
    fn is_expired(&self) -> bool {
        let now = Instant::now();
        match &self.state {
            State::Running { until, .. } => until.checked_add(TRACE).is_some_and(|it| it <= now),
            State::Ended { until, .. } => *until <= now,
            State::Completed(_, until) => until.is_some_and(|until| until <= now),
        }
    }

    /// Whether a claim of `nonce` is running, or was, and nobody took the key since.
    fn belongs_to(&self, nonce: Nonce) -> bool {
        self.nonce == nonce
    }
}

impl IdempotencyStore for MemoryStore {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move { Ok(self.claim_now(&claiming)) })
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let now = Instant::now();
            Ok(match self.data().records.get_mut(&key) {
                Some(entry) if entry.belongs_to(nonce) => match &mut entry.state {
                    State::Running { until, .. } if *until > now => {
                        *until = now + lease;
                        true
                    }
                    _ => false,
                },
                _ => false,
            })
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
            let mut data = self.data();
            let there = data.records.get(&key).filter(|entry| !entry.is_expired());
            if let Some(entry) = there.filter(|entry| !entry.belongs_to(nonce)) {
                return Ok(match &entry.state {
                    State::Completed(theirs, _) => Completion::Refused(Some(theirs.clone())),
                    State::Running { .. } => Completion::Refused(None),
                    State::Ended { .. } => {
                        let grant = entry.grant;
                        data.finish(key, nonce, grant, record, ttl);
                        Completion::Stored
                    }
                });
            }
            let grant = there.map_or_else(|| self.first_grant(), |entry| entry.grant);
            data.finish(key, nonce, grant, record, ttl);
            Ok(Completion::Stored)
        })
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut data = self.data();
            let Some(entry) = data.records.get_mut(&key) else {
                return Ok(());
            };
            if !entry.belongs_to(nonce) || !matches!(entry.state, State::Running { .. }) {
                return Ok(());
            }
            entry.changed.notify_waiters();
            if how == Release::Unused && entry.grant.attempt == 1 {
                data.records.remove(&key);
                return Ok(());
            }
            let mut traced = how;
            if how == Release::Unused {
                entry.grant.attempt -= 1;
                traced = Release::Failed;
            }
            entry.grant.interrupted |= traced == Release::Interrupted;
            entry.state = State::Ended {
                how: traced,
                until: Instant::now() + TRACE,
            };
            Ok(())
        })
    }
}

impl super::Data {
    /// Now and then: when there is twice as much as was left the last time.
    fn forget_what_is_over(&mut self) {
        if self.records.len() > self.many.max(MANY) {
            self.records.retain(|_, entry| !entry.is_expired());
            self.many = 2 * self.records.len();
        }
    }

    fn finish(&mut self, key: Digest, nonce: Nonce, grant: Grant, record: Record, ttl: Duration) {
        let entry = Entry {
            fingerprint: record.fingerprint,
            nonce,
            grant,
            state: State::Completed(record, Instant::now().checked_add(ttl)),
            changed: Arc::default(),
        };
        if let Some(before) = self.records.insert(key, entry) {
            before.changed.notify_waiters();
        }
    }
}

impl MemoryStore {
    fn first_grant(&self) -> Grant {
        Grant {
            attempt: 1,
            interrupted: false,
            token: self.next_token(),
        }
    }

    fn next_token(&self) -> FencingToken {
        FencingToken::new(self.tokens())
    }

    fn claim_now(&self, claiming: &Claiming) -> Claim {
        let mut data = self.data();
        let there = data
            .records
            .get(&claiming.key)
            .filter(|it| !it.is_expired());
        let (grant, changed) = match there {
            None => (self.first_grant(), Arc::default()),
            Some(entry) => match self.found(entry, claiming) {
                Ok(grant) => (grant, Arc::clone(&entry.changed)),
                Err(answer) => return answer,
            },
        };
        let entry = Entry {
            fingerprint: claiming.fingerprint,
            nonce: claiming.nonce,
            grant,
            state: State::Running {
                owner: self.owner(),
                until: Instant::now() + claiming.lease,
            },
            changed,
        };
        data.records.insert(claiming.key, entry);
        data.forget_what_is_over();
        Claim::Granted(grant)
    }

    /// The grant that `entry` leaves to the caller, or the answer that it has for it.
    fn found(&self, entry: &Entry, claiming: &Claiming) -> Result<Grant, Claim> {
        let same = entry.fingerprint == claiming.fingerprint;
        let again = Grant {
            attempt: entry.grant.attempt.saturating_add(1),
            token: self.next_token(),
            ..entry.grant
        };
        match &entry.state {
            State::Ended { how, .. }
                if !same && *how != Release::Interrupted && !again.interrupted =>
            {
                Ok(self.first_grant())
            }
            _ if !same => Err(Claim::Mismatch),
            State::Completed(record, _) if claiming.replaces.as_ref() == Some(record) => {
                let interrupted = false;
                Ok(Grant {
                    interrupted,
                    ..again
                })
            }
            State::Completed(record, _) => Err(Claim::Completed(record.clone())),
            State::Ended { .. } => Ok(again),
            State::Running { owner, until } => {
                let now = Instant::now();
                if is_gone(owner) || *until <= now {
                    let interrupted = true;
                    return Ok(Grant {
                        interrupted,
                        ..again
                    });
                }
                if entry.belongs_to(claiming.nonce) {
                    return Ok(entry.grant);
                }
                Err(Claim::Busy(Busy {
                    left: Some(*until - now),
                    woken: woken(Arc::clone(&entry.changed), claiming.waits),
                }))
            }
        }
    }
}

/// Registered now, and not when it is polled first.
fn woken(changed: Arc<Notify>, waits: bool) -> BoxFuture<'static, Option<Record>> {
    if !waits {
        return Box::pin(std::future::pending());
    }
    let changed = changed.notified_owned();
    Box::pin(async move {
        changed.await;
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idempotency::store::RecordKind;

    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_forgotten() {
        const SECOND: Duration = Duration::from_secs(1);
        let store = MemoryStore::new();
        for number in 0_u32..10_000 {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            let key = Digest::from_bytes(bytes);
            let nonce = Nonce::random();
            let claiming = Claiming {
                key,
                fingerprint: key,
                nonce,
                lease: SECOND,
                waits: false,
                replaces: None,
            };
            assert!(matches!(store.claim(claiming).await, Ok(Claim::Granted(_))));
            let record = Record {
                fingerprint: key,
                kind: RecordKind::Value,
                schema: "".into(),
                content: "1".into(),
            };
            store.complete(key, nonce, record, SECOND).await.unwrap();
            if number % 100 == 0 {
                tokio::time::advance(SECOND).await;
            }
        }
        let left = store.data().records.len();
        assert!(left < 2_100, "{left}");
    }
}
