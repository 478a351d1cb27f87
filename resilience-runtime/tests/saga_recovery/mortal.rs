//! The store in memory, as a process sees it that can die at any moment, and whose store can fail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::{
    AuditEntry, Closing, DeadLetter, DeadLetterId, LetterFilter, LetterStatistics, NewDeadLetter,
    Queue, RetryAs,
};
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Claim, Claiming, Completion, IdempotencyStore, Nonce, Ownership, Record, Release,
};
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Cancel, Event, Journal, Known, NewSaga, SagaCursor, SagaFilter, SagaId, SagaRecord,
    SagaStatistics, SagaSummary, Started, Unknown, Written,
};
use resilience_runtime::store::memory::MemoryStore;
use resilience_runtime::timestamp::Timestamp;
use tokio::sync::watch;

pub(crate) struct Mortal {
    store: Mutex<Option<MemoryStore>>,
    died: watch::Sender<bool>,
    /// How often each operation was asked for.
    asked: Mutex<HashMap<&'static str, u32>>,
    /// The operation that fails, so many times.
    fails: Mutex<Option<&'static str>>,
    left: AtomicU32,
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
    async fn alive(&self, operation: &'static str) -> Result<MemoryStore, StoreError> {
        tokio::task::yield_now().await;
        let store = self.store.lock().unwrap().clone();
        let Some(store) = store else {
            std::future::pending().await
        };
        *self.asked.lock().unwrap().entry(operation).or_insert(0) += 1;
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

macro_rules! delegated {
    ($trait:ident: $(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(
            fn $name(&self, $($argument: $type),*) -> BoxFuture<'_, Result<$answer, StoreError>> {
                Box::pin(async move {
                    let store = self.alive(stringify!($name)).await?;
                    $trait::$name(&store, $($argument),*).await
                })
            }
        )*
    };
}

impl Journal for Mortal {
    delegated! { Journal:
        fn start(saga: NewSaga) -> Started;
        fn advance(saga: SagaId, epoch: i64, advance: Advance) -> Written;
        fn take_over(known: Vec<Known>, limit: u32) -> Vec<SagaRecord>;
        fn take_parked(known: Vec<Known>, before: Timestamp, limit: u32) -> Vec<SagaRecord>;
        fn revive(saga: SagaId, event: Event, by: Option<Operator>) -> Option<SagaRecord>;
        fn cancel(saga: SagaId, by: Operator) -> Option<Cancel>;
        fn cancelled() -> Vec<SagaId>;
        fn load(saga: SagaId) -> Option<SagaRecord>;
        fn list(filter: SagaFilter, after: Option<SagaCursor>, limit: u32) -> Vec<SagaSummary>;
        fn statistics() -> Vec<SagaStatistics>;
        fn unknown(known: Vec<Known>) -> Vec<Unknown>;
        fn purge(retention: Duration, limit: u32) -> u64;
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.changed())
    }
}

impl Queue for Mortal {
    delegated! { Queue:
        fn add(letter: NewDeadLetter, nonce: String, by: Operator) -> DeadLetterId;
        fn list(filter: LetterFilter, after: Option<DeadLetterId>, limit: u32) -> Vec<DeadLetter>;
        fn get(id: DeadLetterId) -> Option<DeadLetter>;
        fn close(id: DeadLetterId, closing: Closing, by: Operator) -> bool;
        fn request_retry(id: DeadLetterId, how: RetryAs, by: Operator) -> bool;
        fn take_work(operations: Vec<String>, limit: u32) -> Vec<DeadLetter>;
        fn end_work(id: DeadLetterId, failed: Option<String>) -> bool;
        fn statistics() -> LetterStatistics;
        fn unresolved() -> u64;
        fn audit(id: DeadLetterId) -> Vec<AuditEntry>;
        fn audit_of_saga(saga: SagaId) -> Vec<AuditEntry>;
        fn purge_letters(retention: Duration, limit: u32) -> u64;
    }
}

impl IdempotencyStore for Mortal {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    delegated! { IdempotencyStore:
        fn claim(claiming: Claiming) -> Claim;
        fn renew(key: Digest, nonce: Nonce, lease: Duration) -> bool;
        fn complete(key: Digest, nonce: Nonce, record: Record, ttl: Duration) -> Completion;
        fn release(key: Digest, nonce: Nonce, how: Release) -> ();
    }
}

impl LockStore for Mortal {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    delegated! { LockStore:
        fn acquire(acquiring: Acquiring) -> Acquired;
        fn renew(key: Digest, nonce: Nonce, lease: Duration) -> bool;
        fn release(key: Digest, nonce: Nonce) -> ();
    }
}
