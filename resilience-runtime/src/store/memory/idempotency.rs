//! Idempotency records.

use std::time::Duration;

use tokio::time::Instant;

use super::{Data, MemoryStore, Owner, is_gone};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{Claim, IdempotencyStore, Nonce};

/// What is kept under a key.
pub(super) struct Record {
    fingerprint: Digest,
    nonce: Nonce,
    attempt: u32,
    state: State,
}

enum State {
    Running {
        owner: Owner,
    },
    Completed {
        result: String,
        /// `None` for a time that is too far away for the clock.
        expires_at: Option<Instant>,
    },
}

impl Record {
    fn is_expired(&self) -> bool {
        match &self.state {
            State::Running { .. } => false,
            State::Completed { expires_at, .. } => {
                expires_at.is_some_and(|at| at <= Instant::now())
            }
        }
    }
}

impl IdempotencyStore for MemoryStore {
    fn claim(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
    ) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move {
            let owner = self.owner();
            Ok(self.data().claim(key, fingerprint, nonce, owner))
        })
    }

    fn complete(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
        result: String,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let records = &mut self.data().records;
            let there = records.get(&key).filter(|record| !record.is_expired());
            let attempt = match there {
                Some(record) if record.nonce != nonce => return Ok(false),
                Some(record) => record.attempt,
                None => 1,
            };
            let expires_at = Instant::now().checked_add(ttl);
            let state = State::Completed { result, expires_at };
            let record = Record {
                fingerprint,
                nonce,
                attempt,
                state,
            };
            records.insert(key, record);
            Ok(true)
        })
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let records = &mut self.data().records;
            if records.get(&key).is_some_and(|record| {
                record.nonce == nonce && matches!(record.state, State::Running { .. })
            }) {
                records.remove(&key);
            }
            Ok(())
        })
    }
}

impl Data {
    fn claim(&mut self, key: Digest, fingerprint: Digest, nonce: Nonce, owner: Owner) -> Claim {
        let there = self.records.get(&key).filter(|record| !record.is_expired());
        let attempt = match there {
            None => 1,
            // Whoever used the key with other arguments: also a worker that is gone may have had
            // its effect with them.
            Some(record) if record.fingerprint != fingerprint => return Claim::Mismatch,
            Some(record) => match &record.state {
                State::Completed { result, .. } => {
                    let result = result.clone();
                    return Claim::Completed { result };
                }
                State::Running { .. } if record.nonce == nonce => record.attempt,
                State::Running { owner } if is_gone(owner) => record.attempt.saturating_add(1),
                State::Running { .. } => return Claim::Busy,
            },
        };
        let state = State::Running { owner };
        let record = Record {
            fingerprint,
            nonce,
            attempt,
            state,
        };
        self.records.insert(key, record);
        Claim::Granted { attempt }
    }
}
