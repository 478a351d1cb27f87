//! What every store must do for sagas and dead letters, run against PostgreSQL, and what only PostgreSQL promises:
//! workers on several machines, servers that go away, answers that are lost.

#![cfg(feature = "postgres")]
#![allow(
    dead_code,
    unused_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests, helpers included; what other stores are asked is asked of them"
)]

#[macro_use]
#[path = "store_conformance/fixture.rs"]
mod fixture;
#[macro_use]
#[path = "store_conformance/records.rs"]
mod records;
#[macro_use]
#[path = "store_conformance/sagas.rs"]
mod sagas;

#[path = "store_postgres_journal/leases.rs"]
mod leases;
#[path = "store_postgres_journal/leaving.rs"]
mod leaving;
#[path = "store_postgres_journal/outages.rs"]
mod outages;

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use resilience_runtime::saga::journal::{SagaId, SagaRecord};
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_test_support::proxy::Proxy;
use resilience_test_support::server::Postgres;
use sqlx::{Connection as _, PgConnection};

use self::fixture::Fixture;
use self::sagas::{Workers, started};

/// A database for a test, which ends here where there is no server.
macro_rules! fixture {
    () => {
        match crate::Database::new() {
            Some(database) => database,
            None => return,
        }
    };
}

mod conformance {
    sagas!(fixture!(), start_paused = false);
    saga_changes!(fixture!(), start_paused = false);
    everything!(fixture!(), start_paused = false);
}

/// A database of its own on the server that the tests share.
struct Database {
    url: String,
}

impl Database {
    /// `None` where there is no server.
    fn new() -> Option<Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        static DATABASES: Mutex<u32> = Mutex::new(0);
        let server = SERVER.get_or_init(Postgres::start).as_ref()?;
        let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
        *databases += 1;
        Some(Self {
            url: server.create_database(&format!("test_{databases}")),
        })
    }
}

impl Fixture for Database {
    type Store = PostgresStore;

    async fn worker(&self) -> PostgresStore {
        PostgresStore::open(&self.url, &accepted()).await.unwrap()
    }

    async fn end(&self, store: PostgresStore) {
        store.close().await;
    }
}

impl Workers for Database {
    async fn crash(&self, store: PostgresStore) {
        let id = store.vanish().await;
        let mut shell = PgConnection::connect(&self.url).await.unwrap();
        // What whoever finds the lease over does.
        let bury = "DELETE FROM resilience_workers WHERE id = $1::uuid";
        let buried = sqlx::query(bury).bind(id).execute(&mut shell).await;
        assert_eq!(buried.unwrap().rows_affected(), 1);
    }

    async fn close(&self, store: PostgresStore) {
        store.close().await;
    }
}

/// The private servers run without `fsync`.
fn accepted() -> Accepted {
    Accepted::only(&[Risk::NotDurable])
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, &accepted()).await.unwrap()
}

/// Sagas of a worker that left.
async fn left_behind(url: &str, count: u32) -> BTreeSet<SagaId> {
    let store = open(url).await;
    let mut gone = BTreeSet::new();
    for _ in 0..count {
        gone.insert(started(&store).await);
    }
    store.close().await;
    gone
}

fn uuid() -> String {
    SagaId::generate().to_string()
}

fn ids(records: &[SagaRecord]) -> BTreeSet<SagaId> {
    records.iter().map(|record| record.id.clone()).collect()
}

fn in_front_of(url: &str) -> Proxy {
    let (_, rest) = url.rsplit_once(':').unwrap();
    Proxy::start(rest.split_once('/').unwrap().0.parse().unwrap())
}
