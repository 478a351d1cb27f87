//! A store in memory that writes down what is written into its journal, and dies at a chosen write.

use std::sync::atomic::{AtomicUsize, Ordering};
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
    Claim, Claiming, Completion, IdempotencyStore, Record, Release,
};
use resilience_runtime::lease::{Nonce, Ownership};
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::{
    Advance, Cancel, Event, Journal, Known, NewSaga, SagaCursor, SagaFilter, SagaId, SagaRecord,
    SagaStatistics, SagaSummary, Started, Unknown, Written,
};
use resilience_runtime::store::memory::MemoryStore;
use resilience_runtime::timestamp::Timestamp;
use tokio::sync::watch;

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

    async fn read<T>(&self, read: BoxFuture<'_, Result<T, StoreError>>) -> Result<T, StoreError> {
        self.alive().await;
        read.await
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

    fn take_over(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.read(self.store.take_over(known, limit)))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.store.changed()
    }

    fn take_parked(
        &self,
        known: Vec<Known>,
        parked_before: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.read(self.store.take_parked(known, parked_before, limit)))
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
    ) -> BoxFuture<'_, Result<Option<Cancel>, StoreError>> {
        Box::pin(self.write("cancel".to_owned(), self.store.cancel(saga, by)))
    }

    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>> {
        Box::pin(self.read(self.store.cancelled()))
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(self.read(self.store.load(saga)))
    }

    fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>> {
        Box::pin(self.read(Journal::list(&self.store, filter, after, limit)))
    }

    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>> {
        Box::pin(self.read(Journal::statistics(&self.store)))
    }

    fn unknown(&self, known: Vec<Known>) -> BoxFuture<'_, Result<Vec<Unknown>, StoreError>> {
        Box::pin(self.read(self.store.unknown(known)))
    }

    fn purge(&self, retention: Duration, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.read(self.store.purge(retention, limit)))
    }
}

impl Queue for Spy {
    fn add(
        &self,
        letter: NewDeadLetter,
        nonce: String,
        by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>> {
        self.store.add(letter, nonce, by)
    }

    fn list(
        &self,
        filter: LetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Queue::list(&self.store, filter, after, limit)
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        self.store.get(id)
    }

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Queue::close(&self.store, id, closing, by)
    }

    fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.store.request_retry(id, how, by)
    }

    fn take_work(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        self.store.take_work(operations, limit)
    }

    fn end_work(
        &self,
        id: DeadLetterId,
        failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.store.end_work(id, failed)
    }

    fn statistics(&self) -> BoxFuture<'_, Result<LetterStatistics, StoreError>> {
        Queue::statistics(&self.store)
    }

    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.unresolved()
    }

    fn audit(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        self.store.audit(id)
    }

    fn audit_of_saga(&self, saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        self.store.audit_of_saga(saga)
    }

    fn purge_letters(
        &self,
        retention: Duration,
        limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.purge_letters(retention, limit)
    }
}

impl IdempotencyStore for Spy {
    fn ownership(&self) -> Ownership {
        IdempotencyStore::ownership(&self.store)
    }

    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        self.store.claim(claiming)
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        IdempotencyStore::renew(&self.store, key, nonce, lease)
    }

    fn complete(
        &self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>> {
        self.store.complete(key, nonce, record, ttl)
    }

    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        IdempotencyStore::release(&self.store, key, nonce, how)
    }
}

impl LockStore for Spy {
    fn ownership(&self) -> Ownership {
        LockStore::ownership(&self.store)
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        self.store.acquire(acquiring)
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        LockStore::renew(&self.store, key, nonce, lease)
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        LockStore::release(&self.store, key, nonce)
    }
}
