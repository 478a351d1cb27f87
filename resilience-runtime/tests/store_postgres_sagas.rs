//! What only PostgreSQL does for sagas and dead letters: migrations, functions for people with nothing but psql, steps and
//! starts in somebody's transaction, and writes that share a commit.

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

#[path = "store_postgres_sagas/functions.rs"]
mod functions;
#[path = "store_postgres_sagas/lists.rs"]
mod lists;
#[path = "store_postgres_sagas/migration.rs"]
mod migration;
#[path = "store_postgres_sagas/parking.rs"]
mod parking;
#[path = "store_postgres_sagas/scale.rs"]
mod scale;
#[path = "store_postgres_sagas/together.rs"]
mod together;
#[path = "store_postgres_sagas/transactions.rs"]
mod transactions;
#[path = "store_postgres_sagas/unreadable.rs"]
mod unreadable;
#[path = "store_postgres_sagas/waking.rs"]
mod waking;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterKind, NewDeadLetter, Priority};
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaId, SagaRecord, SagaVersion, Started, Status, StepOutcome,
    StepRecord, Written,
};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_runtime::timestamp::Timestamp;
use resilience_test_support::server::Postgres;
use sqlx::{Connection as _, PgConnection};

/// What happens at all happens within this time.
const AT_LAST: Duration = Duration::from_secs(60);
/// What does not happen in this time is taken to happen never.
const NEVER: Duration = Duration::from_millis(150);

/// A database of its own on the server that the tests share; `None` where there is no server.
fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    static DATABASES: Mutex<u32> = Mutex::new(0);
    let server = SERVER.get_or_init(Postgres::start).as_ref()?;
    let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    *databases += 1;
    Some(server.create_database(&format!("test_{databases}")))
}

/// The private servers run without `fsync`.
fn accepted() -> Accepted {
    Accepted::only(&[Risk::NotDurable])
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, &accepted()).await.unwrap()
}

async fn shell(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// Carries out `text`, as psql does it.
async fn execute(url: &str, text: &'static str) {
    let mut shell = shell(url).await;
    sqlx::raw_sql(text).execute(&mut shell).await.unwrap();
}

/// The answer to a question with one text as the answer.
async fn asked(url: &str, question: &'static str) -> String {
    let mut shell = shell(url).await;
    let answer: Option<String> = sqlx::query_scalar(question)
        .fetch_one(&mut shell)
        .await
        .unwrap();
    answer.unwrap_or_else(|| "NULL".to_owned())
}

fn known() -> Vec<SagaVersion> {
    vec![SagaVersion {
        name: "checkout".to_owned(),
        version: 1,
    }]
}

fn new_saga() -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        given: false,
        name: "checkout".to_owned(),
        version: 1,
        key: None,
        input: r#"{"order":1}"#.to_owned(),
        timeout: None,
        parent: None,
        nonce: uuid::Uuid::new_v4().as_u128(),
    }
}

fn step(position: u32) -> StepRecord {
    StepRecord {
        position,
        step: format!("step-{position}"),
        occurrence: 0,
        arguments: r#"{"n":1}"#.to_owned(),
        outcome: StepOutcome::Done,
        output: Some("null".to_owned()),
        compensation: Some("undo".to_owned()),
        undone: false,
        written_at: None,
    }
}

fn letter() -> NewDeadLetter {
    NewDeadLetter {
        kind: DeadLetterKind::Compensation,
        operation: "release".to_owned(),
        dependency: Some("warehouse".to_owned()),
        priority: Priority::High,
        position: Some(0),
        arguments: "{}".to_owned(),
        output: Some("1".to_owned()),
        error: "the warehouse does not answer".to_owned(),
        attempts: 3,
    }
}

async fn started(store: &PostgresStore) -> SagaId {
    let saga = new_saga();
    let id = saga.id.clone();
    assert!(matches!(store.start(saga).await.unwrap(), Started::New(_)));
    id
}

/// A saga that is dead, with its letter.
async fn dead(store: &PostgresStore) -> SagaId {
    let saga = started(store).await;
    let write = Advance {
        steps: vec![step(0)],
        status: Some(Status::CompensationFailed),
        dead_letter: Some(letter()),
        ..Advance::default()
    };
    assert_eq!(write_to(store, &saga, 1, write).await, Written::YES);
    saga
}

async fn write_to(store: &PostgresStore, saga: &SagaId, epoch: i64, advance: Advance) -> Written {
    store.advance(saga.clone(), epoch, advance).await.unwrap()
}

async fn load(store: &PostgresStore, saga: &SagaId) -> SagaRecord {
    store.load(saga.clone()).await.unwrap().unwrap()
}

/// Waits until `future` is done.
async fn at_last<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_LAST, future).await.unwrap()
}

fn now() -> Timestamp {
    Timestamp::of_this_machine()
}
