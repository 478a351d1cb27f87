//! What only the SQLite store promises: a file, shared commits, several processes.

#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

#[path = "store_sqlite/commits.rs"]
mod commits;
#[path = "store_sqlite/files.rs"]
mod files;
#[path = "store_sqlite/killed.rs"]
mod killed;
#[path = "store_sqlite/left.rs"]
mod left;
#[path = "store_sqlite/many.rs"]
mod many;
#[path = "store_sqlite/migrated.rs"]
mod migrated;
#[path = "store_sqlite/processes.rs"]
mod processes;
#[path = "store_sqlite/records.rs"]
mod records;
#[path = "store_sqlite/steps.rs"]
mod steps;
#[path = "store_sqlite/unreadable.rs"]
mod unreadable;

use std::path::Path;
use std::time::Duration;

use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Claim, Claiming, IdempotencyStore, Nonce, Record, RecordKind,
};
use resilience_runtime::lock::store::Acquiring;
use resilience_runtime::saga::journal::{
    Advance, Journal, NewSaga, SagaId, SagaVersion, Started, Status, StepOutcome, StepRecord,
    Written,
};
use resilience_runtime::store::sqlite::SqliteStore;
use sqlx::{ConnectOptions, SqliteConnection};

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).await.unwrap()
}

/// A connection of somebody else, to look behind the store's back.
async fn shell(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    options.create_if_missing(true).connect().await.unwrap()
}

async fn number(path: &Path, text: &'static str) -> i64 {
    let mut shell = shell(path).await;
    sqlx::query_scalar(text)
        .fetch_one(&mut shell)
        .await
        .unwrap()
}

async fn execute(path: &Path, text: &'static str) {
    let mut shell = shell(path).await;
    sqlx::raw_sql(text).execute(&mut shell).await.unwrap();
    sqlx::Connection::close(shell).await.unwrap();
}

fn saga(name: &str) -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        given: false,
        name: name.to_owned(),
        version: 1,
        key: None,
        input: "{}".to_owned(),
        timeout: None,
        parent: None,
        nonce: uuid::Uuid::new_v4().as_u128(),
    }
}

/// Starts a saga, which is new.
async fn started(store: &SqliteStore, name: &str) -> SagaId {
    let saga = saga(name);
    let id = saga.id.clone();
    let started = store.start(saga).await.unwrap();
    assert!(matches!(started, Started::New(_)), "{started:?}");
    id
}

fn step(position: u32) -> StepRecord {
    StepRecord {
        position,
        step: format!("step-{position}"),
        occurrence: 0,
        arguments: "{}".to_owned(),
        outcome: StepOutcome::Done,
        output: Some("null".to_owned()),
        compensation: Some("shop::undo".to_owned()),
        undone: false,
        written_at: None,
    }
}

async fn advance(store: &SqliteStore, saga: &SagaId, epoch: i64, advance: Advance) {
    let written = store.advance(saga.clone(), epoch, advance).await;
    assert_eq!(written.unwrap(), Written::YES);
}

fn known(names: &[&str]) -> Vec<SagaVersion> {
    let known = names.iter().map(|name| SagaVersion {
        name: (*name).to_owned(),
        version: 1,
    });
    known.collect()
}

/// How many sagas are in each status, whatever their names.
async fn counts(store: &SqliteStore) -> Vec<(Status, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for of_name in Journal::statistics(store).await.unwrap() {
        for (status, count) in of_name.counts {
            *counts.entry(status).or_insert(0) += count;
        }
    }
    counts.into_iter().collect()
}

fn claiming(key: Digest) -> Claiming {
    Claiming {
        key,
        fingerprint: key,
        nonce: Nonce::random(),
        lease: Duration::from_secs(60),
        waits: true,
        replaces: None,
    }
}

/// Of somebody new, who waits.
fn acquiring(key: Digest) -> Acquiring {
    Acquiring {
        key,
        nonce: Nonce::random(),
        lease: Duration::from_secs(60),
        waits: true,
        replicas: 0,
    }
}

/// The attempt, and whether it knows of an interrupted one.
async fn granted(store: &SqliteStore, key: Digest) -> (u32, bool) {
    match store.claim(claiming(key)).await.unwrap() {
        Claim::Granted(grant) => (grant.attempt, grant.interrupted),
        _ => panic!("not granted"),
    }
}

fn record(fingerprint: Digest, content: &str) -> Record {
    Record {
        fingerprint,
        kind: RecordKind::Value,
        schema: "u32".into(),
        content: content.into(),
    }
}
