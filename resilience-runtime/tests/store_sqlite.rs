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
#[path = "store_sqlite/unreadable.rs"]
mod unreadable;

use std::path::Path;
use std::time::Duration;

use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Claim, Claiming, IdempotencyStore, Nonce, Record, RecordKind,
};
use resilience_runtime::saga::journal::{NewSaga, SagaId};
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

async fn execute(path: &Path, text: &'static str) {
    let mut shell = shell(path).await;
    sqlx::raw_sql(text).execute(&mut shell).await.unwrap();
    sqlx::Connection::close(shell).await.unwrap();
}

fn saga(name: &str) -> NewSaga {
    NewSaga {
        id: SagaId::generate(),
        name: name.to_owned(),
        key: None,
        input: "{}".to_owned(),
    }
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
