//! The store in memory, every operation of which can be counted, delayed and failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::store::{
    Busy, Claim, Claiming, Completion, IdempotencyStore, Nonce, Ownership, Record, Release,
};
use crate::key::Digest;
use crate::store::memory::MemoryStore;

/// Every operation yields to the scheduler before and after its effect.
pub(super) struct Store {
    pub(super) memory: MemoryStore,
    pub(super) ownership: Ownership,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) claims: u32,
    pub(super) renewals: u32,
    pub(super) completions: u32,
    pub(super) releases: Vec<Release>,
    /// Whether each claim said that it waits.
    pub(super) waits: Vec<bool>,
    pub(super) failing: Failing,
    /// Where set, completions wait for a permit before they have their effect.
    pub(super) gate: Option<Arc<Semaphore>>,
    /// What the next completion answers, without effect.
    pub(super) completion: Option<Completion>,
    /// What the next renewals answer, without effect.
    pub(super) renewal: Renewal,
    /// How long the answers to claims are under way.
    pub(super) delay: Duration,
    /// Whether claims do not say what they replace.
    pub(super) replaces_nothing: bool,
    /// Whether releases never come back, and have no effect.
    pub(super) releases_hang: bool,
    /// What the next wake-up brings along.
    pub(super) brings: Option<Record>,
    held: HashMap<Digest, Nonce>,
    records: HashMap<Digest, Record>,
}

/// How renewals go.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Renewal {
    #[default]
    Works,
    Fails,
    Hangs,
    Refused,
}

/// How many of the next operations fail.
#[derive(Default)]
pub(super) struct Failing {
    pub(super) claims: u32,
    /// Claims that have their effect, and whose answer is lost.
    pub(super) answers: u32,
    pub(super) completions: u32,
    /// Completions that have their effect, and whose answer is lost.
    pub(super) confirmations: u32,
    pub(super) releases: u32,
}

impl Store {
    pub(super) fn new() -> Arc<Self> {
        Self::on(MemoryStore::new(), Ownership::Lease)
    }

    pub(super) fn on(memory: MemoryStore, ownership: Ownership) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self {
            memory,
            ownership,
            state,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How often the store was asked for a claim.
    pub(super) fn claims(&self) -> u32 {
        self.state().claims
    }

    pub(super) fn completions(&self) -> u32 {
        self.state().completions
    }

    pub(super) fn releases(&self) -> Vec<Release> {
        self.state().releases.clone()
    }

    /// How many claims are held.
    pub(super) fn held(&self) -> usize {
        self.state().held.len()
    }

    /// The content of the stored records.
    pub(super) fn results(&self) -> Vec<String> {
        let state = self.state();
        let records = state.records.values();
        records.map(|record| record.content.to_string()).collect()
    }

    /// The only record.
    pub(super) fn record(&self) -> Record {
        let state = self.state();
        assert_eq!(state.records.len(), 1);
        state.records.values().next().unwrap().clone()
    }
}

fn fails(count: &mut u32) -> bool {
    let fails = *count > 0;
    *count = count.saturating_sub(1);
    fails
}

fn down<T>() -> Result<T, StoreError> {
    Err(StoreError::refused("asking", "down"))
}

fn lost<T>() -> Result<T, StoreError> {
    Err(StoreError::in_doubt("asking", "connection lost"))
}

impl IdempotencyStore for Store {
    fn ownership(&self) -> Ownership {
        self.ownership
    }

    fn claim(&self, mut claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let fails_now = {
                let mut state = self.state();
                state.claims += 1;
                claiming.replaces = claiming.replaces.filter(|_| !state.replaces_nothing);
                state.waits.push(claiming.waits);
                fails(&mut state.failing.claims)
            };
            if fails_now {
                return down();
            }
            let (key, nonce) = (claiming.key, claiming.nonce);
            let mut answer = self.memory.claim(claiming).await?;
            if matches!(answer, Claim::Granted(_)) {
                let mut state = self.state();
                state.held.insert(key, nonce);
                state.records.remove(&key);
            }
            let brings = self.state().brings.take();
            if let (Some(record), Claim::Busy(busy)) = (brings, &mut answer) {
                let woken = async move {
                    tokio::time::sleep(Duration::from_millis(7)).await;
                    Some(record)
                };
                *busy = Busy {
                    left: busy.left,
                    woken: Box::pin(woken),
                };
            }
            let delay = self.state().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if fails(&mut self.state().failing.answers) {
                return lost();
            }
            tokio::task::yield_now().await;
            Ok(answer)
        })
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            assert_eq!(self.ownership, Ownership::Lease);
            let renewal = {
                let mut state = self.state();
                state.renewals += 1;
                state.renewal
            };
            match renewal {
                Renewal::Works => self.memory.renew(key, nonce, lease).await,
                Renewal::Fails => down(),
                Renewal::Hangs => std::future::pending().await,
                Renewal::Refused => Ok(false),
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
            tokio::task::yield_now().await;
            let gate = self.state().gate.clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            {
                let mut state = self.state();
                state.completions += 1;
                if fails(&mut state.failing.completions) {
                    return down();
                }
                if let Some(completion) = state.completion.take() {
                    return Ok(completion);
                }
            }
            let answer = self
                .memory
                .complete(key, nonce, record.clone(), ttl)
                .await?;
            if answer == Completion::Stored {
                let mut state = self.state();
                state.held.remove(&key);
                state.records.insert(key, record);
            }
            if fails(&mut self.state().failing.confirmations) {
                return lost();
            }
            tokio::task::yield_now().await;
            Ok(answer)
        })
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.state().releases_hang {
                std::future::pending::<()>().await;
            }
            {
                let mut state = self.state();
                state.releases.push(how);
                if fails(&mut state.failing.releases) {
                    return down();
                }
                if state.held.get(&key) == Some(&nonce) {
                    state.held.remove(&key);
                }
            }
            self.memory.release(key, nonce, how).await?;
            tokio::task::yield_now().await;
            Ok(())
        })
    }
}
