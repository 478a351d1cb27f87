//! The stores under test, and what the tests write into them.

use std::time::Duration;

use resilience_runtime::dlq::{Kind, NewDeadLetter, Queue};
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::store::IdempotencyStore;
use resilience_runtime::idempotency::{Digest, SagaKey};
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaId, Started, Status, StepRecord, Written,
};
use resilience_runtime::store::memory::MemoryStore;

pub(crate) trait Store: IdempotencyStore + Journal + Queue + Clone + 'static {}

impl<T: IdempotencyStore + Journal + Queue + Clone + 'static> Store for T {}

/// Data, and the workers on it.
pub(crate) trait Fixture {
    type Store: Store;

    /// A store on the data, for a worker of its own.
    async fn worker(&self) -> Self::Store;

    /// Ends the worker; the store is its last clone.
    async fn end(&self, store: Self::Store);
}

pub(crate) struct Memory(MemoryStore);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(MemoryStore::new())
    }
}

impl Fixture for Memory {
    type Store = MemoryStore;

    async fn worker(&self) -> MemoryStore {
        self.0.another_worker()
    }

    async fn end(&self, store: MemoryStore) {
        drop(store);
    }
}

#[cfg(feature = "sqlite")]
pub(crate) struct Sqlite(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[cfg(feature = "sqlite")]
impl Fixture for Sqlite {
    type Store = resilience_runtime::store::sqlite::SqliteStore;

    async fn worker(&self) -> Self::Store {
        Self::Store::open(&self.0.path().join("a.db"))
            .await
            .unwrap()
    }

    async fn end(&self, store: Self::Store) {
        store.close().await.unwrap();
    }
}

pub(crate) fn digest(number: u32) -> Digest {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(bytes)
}

/// A saga whose key is kept for an hour.
pub(crate) fn new_saga(key: Option<Digest>) -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        name: "checkout".to_owned(),
        key: key.map(|digest| SagaKey {
            digest,
            ttl: Duration::from_secs(3600),
        }),
        input: r#"{"order":1}"#.to_owned(),
    }
}

pub(crate) fn step(position: u32) -> StepRecord {
    StepRecord {
        position,
        step: format!("step-{position}"),
        occurrence: 0,
        arguments: r#"{"n":1}"#.to_owned(),
        output: Some("null".to_owned()),
        undone: false,
    }
}

pub(crate) fn letter(operation: &str) -> NewDeadLetter {
    NewDeadLetter {
        kind: Kind::Compensation,
        operation: operation.to_owned(),
        arguments: "{}".to_owned(),
        output: Some("1".to_owned()),
        error: "the warehouse does not answer".to_owned(),
        attempts: 3,
    }
}

pub(crate) fn status(status: Status) -> Advance {
    Advance {
        status: Some(status),
        ..Advance::default()
    }
}

pub(crate) fn dead(operation: &str) -> Advance {
    Advance {
        dead_letter: Some(letter(operation)),
        error: Some("no stock".to_owned()),
        ..status(Status::Dead)
    }
}

/// Starts a saga without a key.
pub(crate) async fn started(store: &impl Store) -> SagaId {
    let saga = new_saga(None);
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New));
    id
}

/// Writes under the first epoch, and expects it to be written.
pub(crate) async fn advance(store: &impl Store, saga: &SagaId, advance: Advance) {
    let written = store.advance(saga.clone(), 1, advance).await;
    assert_eq!(written.unwrap(), Written::Yes);
}

/// A saga that is dead, with a letter about `operation`.
pub(crate) async fn died(store: &impl Store, operation: &str) -> SagaId {
    let saga = started(store).await;
    advance(store, &saga, dead(operation)).await;
    saga
}

/// Runs `task` `count` times at once, and returns what each answered.
pub(crate) async fn at_once<T, F>(count: u32, task: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(task(n))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().unwrap());
    }
    answers
}
