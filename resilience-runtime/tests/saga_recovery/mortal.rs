//! The store in memory, as a process sees it that can die at any moment, and whose store can fail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::Queue;
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::store::{IdempotencyStore, Ownership};
use resilience_runtime::lock::store::LockStore;
use resilience_runtime::saga::journal::Journal;
use resilience_runtime::store::memory::MemoryStore;
use tokio::sync::watch;

use crate::operations::{operations, types};

pub(crate) struct Mortal {
    store: Mutex<Option<MemoryStore>>,
    died: watch::Sender<bool>,
    /// How often each operation was asked for.
    asked: Mutex<HashMap<&'static str, u32>>,
    /// The operation that fails, so many times.
    fails: Mutex<Option<&'static str>>,
    left: AtomicU32,
    /// The operation that never answers.
    pub(crate) hangs: Mutex<Option<&'static str>>,
}

impl Mortal {
    /// The first process on new data.
    pub(crate) fn first() -> Arc<Self> {
        Self::on(MemoryStore::new())
    }

    /// Another process on the same data.
    pub(crate) fn another(&self) -> Arc<Self> {
        let store = self.store.lock().unwrap();
        Self::on(store.as_ref().expect("it lives").another_worker())
    }

    fn on(store: MemoryStore) -> Arc<Self> {
        Arc::new(Self {
            store: Mutex::new(Some(store)),
            died: watch::Sender::new(false),
            asked: Mutex::default(),
            fails: Mutex::default(),
            left: AtomicU32::new(0),
            hangs: Mutex::default(),
        })
    }

    /// The process is killed; a process after it.
    pub(crate) fn kill(&self) -> Arc<Self> {
        let next = self.another();
        self.died.send_replace(true);
        self.store.lock().unwrap().take();
        next
    }

    /// The process leaves in order, without finishing anything; a process after it.
    pub(crate) async fn leave(&self) -> Arc<Self> {
        let next = self.another();
        self.died.send_replace(true);
        let store = self.store.lock().unwrap().take();
        store.expect("it lives").close().await;
        next
    }

    /// `operation` fails so many times, without effect.
    pub(crate) fn refuse(&self, operation: &'static str, times: u32) {
        *self.fails.lock().unwrap() = Some(operation);
        self.left.store(times, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self, operation: &str) -> u32 {
        *self.asked.lock().unwrap().get(operation).unwrap_or(&0)
    }

    /// A dead process does nothing more.
    async fn through(&self, operation: &'static str) -> Result<MemoryStore, StoreError> {
        tokio::task::yield_now().await;
        let store = self.store.lock().unwrap().clone();
        let Some(store) = store else {
            std::future::pending().await
        };
        *self.asked.lock().unwrap().entry(operation).or_insert(0) += 1;
        if *self.hangs.lock().unwrap() == Some(operation) {
            std::future::pending::<()>().await;
        }
        let is_due = *self.fails.lock().unwrap() == Some(operation);
        let left = |left: u32| left.checked_sub(1);
        let ordering = Ordering::Relaxed;
        if is_due && self.left.fetch_update(ordering, ordering, left).is_ok() {
            return Err(StoreError::refused(operation, "the store is away"));
        }
        Ok(store)
    }

    async fn changed(&self) {
        let store = self.store.lock().unwrap().clone();
        let Some(store) = store else {
            std::future::pending().await
        };
        let mut died = self.died.subscribe();
        let changed = async move { Journal::changed(&store).await };
        tokio::select! {
            () = changed => {}
            _ = died.wait_for(|died| *died) => {}
        }
        if *self.died.borrow() {
            std::future::pending::<()>().await;
        }
    }
}

impl Journal for Mortal {
    operations! { through Journal:
        start advance take_over take_parked revive cancel park cancelled load list statistics
        orphaned purge
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.changed())
    }
}

impl Queue for Mortal {
    operations! { through Queue:
        add list get close request_retry take_work end_work statistics unresolved audit
        audit_of_saga purge_letters
    }
}

impl IdempotencyStore for Mortal {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    operations! { through IdempotencyStore: claim renew complete release }
}

impl LockStore for Mortal {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    operations! { through LockStore: acquire renew release }
}
