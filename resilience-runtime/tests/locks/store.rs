//! A store in memory that answers late, counts what it is asked for locks, and fails when told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore, Nonce, Ownership};
use resilience_runtime::store::memory::MemoryStore;
use tokio::time::sleep;

/// How long a question takes to the store, and the answer from there.
pub(crate) const WAY: Duration = Duration::from_millis(1);

pub(crate) struct Store {
    memory: MemoryStore,
    asked: Mutex<Asked>,
    trouble: Mutex<Trouble>,
}

/// How often the store was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) acquire: u32,
    pub(crate) renew: u32,
    pub(crate) release: u32,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// So many questions for a lock fail, without effect.
    pub(crate) refuse: u32,
    /// So many questions for a lock take effect and report a failure.
    pub(crate) doubt: u32,
    /// Renewals fail.
    pub(crate) no_renewals: bool,
    /// Renewals are never answered.
    pub(crate) silent_renewals: bool,
    /// So many releases fail, without effect.
    pub(crate) no_release: u32,
    /// What a grant may be relied on for.
    pub(crate) validity: Option<Duration>,
    /// Grants come this much later.
    pub(crate) late: Duration,
}

impl Store {
    pub(crate) fn new(memory: &MemoryStore) -> Arc<Self> {
        Arc::new(Self {
            memory: memory.another_worker(),
            asked: Mutex::default(),
            trouble: Mutex::default(),
        })
    }

    pub(crate) fn asked(&self) -> Asked {
        *self.asked.lock().unwrap()
    }

    pub(crate) fn trouble(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.trouble.lock().unwrap());
    }

    fn count(&self, count: impl FnOnce(&mut Asked)) -> Trouble {
        count(&mut self.asked.lock().unwrap());
        *self.trouble.lock().unwrap()
    }
}

fn broken() -> StoreError {
    StoreError::refused("asking", "it is broken")
}

impl LockStore for Store {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(async move {
            let trouble = self.count(|asked| asked.acquire += 1);
            sleep(WAY).await;
            if trouble.refuse > 0 {
                self.trouble(|it| it.refuse -= 1);
                return Err(broken());
            }
            let mut answer = self.memory.acquire(acquiring).await;
            if let Ok(Acquired::Granted { validity, .. }) = &mut answer {
                *validity = trouble.validity;
                sleep(trouble.late).await;
            }
            sleep(WAY).await;
            if trouble.doubt > 0 {
                self.trouble(|it| it.doubt -= 1);
                return Err(StoreError::in_doubt("asking", "the answer was lost"));
            }
            answer
        })
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let trouble = self.count(|asked| asked.renew += 1);
            sleep(WAY).await;
            if trouble.silent_renewals {
                std::future::pending::<()>().await;
            }
            if trouble.no_renewals {
                return Err(broken());
            }
            LockStore::renew(&self.memory, key, nonce, lease).await
        })
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let trouble = self.count(|asked| asked.release += 1);
            sleep(WAY).await;
            if trouble.no_release > 0 {
                self.trouble(|it| it.no_release -= 1);
                return Err(broken());
            }
            let released = LockStore::release(&self.memory, key, nonce).await;
            sleep(WAY).await;
            released
        })
    }
}
