//! A store in memory that writes down what is written into its journal, and dies at a chosen write.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::Queue;
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::store::IdempotencyStore;
use resilience_runtime::lease::Ownership;
use resilience_runtime::lock::store::LockStore;
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, SagaId, SagaRecord, Started, Written,
};
use resilience_runtime::store::memory::MemoryStore;
use tokio::sync::watch;

use super::operations::{operations, types};

/// The store, as one process sees it.
pub(crate) struct Spy {
    pub(crate) store: MemoryStore,
    writes: Arc<Mutex<Vec<String>>>,
    /// The process dies right after this write of its own, from 0.
    dies_after: AtomicUsize,
    count: AtomicUsize,
    /// The answer to the start of a saga of this name is lost, once.
    loses_start_of: Mutex<Option<&'static str>>,
    dead: watch::Sender<bool>,
}

impl Spy {
    pub(crate) fn new() -> Arc<Self> {
        Self::on(MemoryStore::new(), Arc::default(), usize::MAX)
    }

    /// The store of another process, which dies after a write.
    pub(crate) fn another(&self, dies_after: usize) -> Arc<Self> {
        let writes = Arc::clone(&self.writes);
        Self::on(self.store.another_worker(), writes, dies_after)
    }

    fn on(store: MemoryStore, writes: Arc<Mutex<Vec<String>>>, dies_after: usize) -> Arc<Self> {
        Arc::new(Self {
            store,
            writes,
            dies_after: AtomicUsize::new(dies_after),
            count: AtomicUsize::new(0),
            loses_start_of: Mutex::default(),
            dead: watch::Sender::new(false),
        })
    }

    pub(crate) fn dies_after(&self, write: usize) {
        self.dies_after.store(write, Ordering::Relaxed);
    }

    pub(crate) fn loses_start_of(&self, name: &'static str) {
        *self.loses_start_of.lock().unwrap() = Some(name);
    }

    /// What was written into the journal, by all processes.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.writes.lock().unwrap().clone()
    }

    /// Resolves when the process is dead.
    pub(crate) async fn died(&self) {
        let mut dead = self.dead.subscribe();
        dead.wait_for(|dead| *dead).await.unwrap();
    }

    /// A dead process does nothing more.
    async fn alive(&self) {
        tokio::task::yield_now().await;
        if *self.dead.borrow() {
            std::future::pending::<()>().await;
        }
    }

    async fn write<T>(
        &self,
        what: String,
        write: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.alive().await;
        let answer = write.await;
        self.writes.lock().unwrap().push(what);
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.dies_after.load(Ordering::Relaxed) {
            self.dead.send_replace(true);
        }
        self.alive().await;
        answer
    }

    async fn through(&self, _operation: &str) -> Result<MemoryStore, StoreError> {
        self.alive().await;
        Ok(self.store.clone())
    }
}

fn described(advance: &Advance) -> String {
    let mut parts = Vec::new();
    for step in &advance.steps {
        parts.push(format!("{}#{}", step.step, step.occurrence));
    }
    if let Some(position) = advance.undone {
        parts.push(format!("undone {position}"));
    }
    parts.extend(advance.status.map(|status| status.as_str().to_owned()));
    parts.join(" ")
}

impl Journal for Spy {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(async move {
            let what = format!("start {}", saga.name);
            self.alive().await;
            let is_lost = {
                let mut lost = self.loses_start_of.lock().unwrap();
                lost.take_if(|name| *name == saga.name).is_some()
            };
            let started = self.store.start(saga).await?;
            if let Started::New(_) = started {
                self.write(what, Box::pin(async { Ok(()) })).await?;
            }
            match is_lost {
                true => Err(StoreError::in_doubt(
                    "starting a saga",
                    "the connection broke",
                )),
                false => Ok(started),
            }
        })
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        let what = described(&advance);
        Box::pin(self.write(what, self.store.advance(saga, epoch, advance)))
    }

    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(self.write("revive".to_owned(), self.store.revive(saga, event, by)))
    }

    fn cancel(
        &self,
        saga: SagaId,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>> {
        Box::pin(self.write("cancel".to_owned(), self.store.cancel(saga, by)))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.store.changed()
    }

    operations! { through Journal:
        take_over take_parked park cancelled load list statistics orphaned purge
    }
}

impl Queue for Spy {
    operations! { through Queue:
        add list get close request_retry take_work end_work statistics unresolved audit
        audit_of_saga purge_letters
    }
}

impl IdempotencyStore for Spy {
    fn ownership(&self) -> Ownership {
        IdempotencyStore::ownership(&self.store)
    }

    operations! { through IdempotencyStore: claim renew complete release }
}

impl LockStore for Spy {
    fn ownership(&self) -> Ownership {
        LockStore::ownership(&self.store)
    }

    operations! { through LockStore: acquire renew release }
}
