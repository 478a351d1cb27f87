//! A store in memory for tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::BoxFuture;
use crate::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, Queue};
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::idempotency::store::{Claim, IdempotencyStore, Nonce};
use crate::saga::journal::{
    Advance, Journal, NewSaga, SagaId, SagaRecord, Started, Status, Written,
};

/// Every operation yields to the scheduler before and after its effect.
#[derive(Default)]
pub(super) struct Store(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    records: HashMap<Digest, Record>,
    pub(super) claims: u32,
    pub(super) completions: u32,
    pub(super) releases: u32,
    pub(super) failing: Failing,
    /// Where set, completions wait for a permit before they have their effect.
    pub(super) gate: Option<Arc<Semaphore>>,
}

/// How many of the next operations fail.
#[derive(Default)]
pub(super) struct Failing {
    pub(super) claims: u32,
    /// Claims that are granted, and whose answer is lost.
    pub(super) answers: u32,
    pub(super) completions: u32,
    pub(super) releases: u32,
}

struct Record {
    fingerprint: Digest,
    nonce: Nonce,
    /// The result and when it expires; `None` while the claim is held.
    result: Option<(String, Instant)>,
}

impl Store {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How often the store was asked for a claim.
    pub(super) fn claims(&self) -> u32 {
        self.state().claims
    }

    pub(super) fn completions(&self) -> u32 {
        self.state().completions
    }

    pub(super) fn releases(&self) -> u32 {
        self.state().releases
    }

    /// How many claims are held.
    pub(super) fn held(&self) -> usize {
        let state = self.state();
        state
            .records
            .values()
            .filter(|r| r.result.is_none())
            .count()
    }

    /// The stored results.
    pub(super) fn results(&self) -> Vec<String> {
        let state = self.state();
        let results = state.records.values().filter_map(|r| r.result.as_ref());
        results.map(|(result, _)| result.clone()).collect()
    }

    /// Gives every claim to somebody else.
    pub(super) fn steal(&self) {
        let mut state = self.state();
        for record in state.records.values_mut() {
            record.nonce = Nonce::random();
        }
    }
}

fn fails(count: &mut u32) -> bool {
    let fails = *count > 0;
    *count = count.saturating_sub(1);
    fails
}

impl IdempotencyStore for Store {
    fn claim(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
    ) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let answer = self.state().claim(key, fingerprint, nonce);
            tokio::task::yield_now().await;
            answer
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
            tokio::task::yield_now().await;
            let gate = self.state().gate.clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            let record = Record {
                fingerprint,
                nonce,
                result: Some((result, Instant::now() + ttl)),
            };
            let answer = self.state().complete(key, record);
            tokio::task::yield_now().await;
            answer
        })
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let answer = self.state().release(key, nonce);
            tokio::task::yield_now().await;
            answer
        })
    }
}

impl State {
    fn claim(
        &mut self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
    ) -> Result<Claim, StoreError> {
        self.claims += 1;
        if fails(&mut self.failing.claims) {
            return Err(StoreError::refused("claiming", "down"));
        }
        let now = Instant::now();
        self.records
            .retain(|_, r| r.result.as_ref().is_none_or(|(_, until)| *until > now));
        let claim = match self.records.get(&key) {
            None => Claim::Granted { attempt: 1 },
            Some(record) if record.fingerprint != fingerprint => Claim::Mismatch,
            Some(Record { result: None, .. }) => Claim::Busy,
            Some(Record {
                result: Some((result, _)),
                ..
            }) => Claim::Completed {
                result: result.clone(),
            },
        };
        if matches!(claim, Claim::Granted { .. }) {
            self.records.insert(
                key,
                Record {
                    fingerprint,
                    nonce,
                    result: None,
                },
            );
            if fails(&mut self.failing.answers) {
                return Err(StoreError::in_doubt("claiming", "connection lost"));
            }
        }
        Ok(claim)
    }

    fn complete(&mut self, key: Digest, record: Record) -> Result<bool, StoreError> {
        self.completions += 1;
        if fails(&mut self.failing.completions) {
            return Err(StoreError::refused("completing", "down"));
        }
        if self
            .records
            .get(&key)
            .is_some_and(|r| r.nonce != record.nonce)
        {
            return Ok(false);
        }
        self.records.insert(key, record);
        Ok(true)
    }

    fn release(&mut self, key: Digest, nonce: Nonce) -> Result<(), StoreError> {
        self.releases += 1;
        if fails(&mut self.failing.releases) {
            return Err(StoreError::refused("releasing", "down"));
        }
        let held = self.records.get(&key);
        if held.is_some_and(|r| r.nonce == nonce && r.result.is_none()) {
            self.records.remove(&key);
        }
        Ok(())
    }
}

/// The stores that these tests have no use for.
pub(super) struct Nowhere;

fn nowhere<T: Send + 'static>() -> BoxFuture<'static, Result<T, StoreError>> {
    Box::pin(std::future::ready(Err(StoreError::refused(
        "testing", "not here",
    ))))
}

impl Journal for Nowhere {
    fn start(&self, _: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        nowhere()
    }
    fn advance(&self, _: SagaId, _: i64, _: Advance) -> BoxFuture<'_, Result<Written, StoreError>> {
        nowhere()
    }
    fn take_over(
        &self,
        _: Vec<String>,
        _: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        nowhere()
    }
    fn revive(&self, _: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        nowhere()
    }
    fn load(&self, _: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        nowhere()
    }
    fn counts(&self) -> BoxFuture<'_, Result<Vec<(Status, u64)>, StoreError>> {
        nowhere()
    }
}

impl Queue for Nowhere {
    fn list(
        &self,
        _: DeadLetterStatus,
        _: Option<DeadLetterId>,
        _: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        nowhere()
    }
    fn get(&self, _: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        nowhere()
    }
    fn resolve(&self, _: DeadLetterId, _: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        nowhere()
    }
    fn counts(&self) -> BoxFuture<'_, Result<Vec<(DeadLetterStatus, u64)>, StoreError>> {
        nowhere()
    }
}
