//! The conformance suite, and what only the PostgreSQL store promises: its checks, messages counted at the wire, servers that go away.

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

/// A database of its own for a test, which ends here where there is no server.
macro_rules! fixture {
    () => {
        match crate::database() {
            Some(url) => crate::Workers { url },
            None => return,
        }
    };
}

/// The same behind a connection pooler.
macro_rules! pooled {
    () => {
        match crate::database() {
            Some(url) => crate::pooler::Pooled::new(&url),
            None => return,
        }
    };
}

#[macro_use]
#[path = "store_conformance/fixture.rs"]
mod fixture;
#[macro_use]
#[path = "store_conformance/holders.rs"]
mod holders;
#[macro_use]
#[path = "store_conformance/line.rs"]
mod line;
#[macro_use]
#[path = "store_conformance/records.rs"]
mod records;

#[path = "store_postgres/faults.rs"]
mod faults;
#[path = "store_postgres/opening.rs"]
mod opening;
#[path = "store_postgres/pooled_sagas.rs"]
mod pooled_sagas;
#[path = "store_postgres/pooler.rs"]
mod pooler;
#[path = "store_postgres/reaping.rs"]
mod reaping;
#[path = "store_postgres/users.rs"]
mod users;
#[path = "store_postgres/wire.rs"]
mod wire;

use std::sync::{Mutex, OnceLock, PoisonError};

use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::{Accepted, Risk};
use resilience_test_support::server::Postgres;
use sqlx::{Connection as _, PgConnection};

mod conformance {
    records!(fixture!(), start_paused = false);
    lock_holders!(fixture!(), start_paused = false);
    lock_line!(fixture!(), start_paused = false);
}

mod behind_a_pooler {
    records!(pooled!(), start_paused = false);
    lock_holders!(pooled!(), start_paused = false);
}

struct Workers {
    url: String,
}

impl fixture::Fixture for Workers {
    type Store = PostgresStore;

    async fn worker(&self) -> PostgresStore {
        open(&self.url).await
    }

    async fn end(&self, store: PostgresStore) {
        store.close().await;
    }
}

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

/// The port in the URL of a private server.
fn port_of(url: &str) -> u16 {
    let (_, rest) = url.rsplit_once(':').unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

/// A connection of somebody else, to look behind the store's back.
async fn shell(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn execute(url: &str, text: &'static str) {
    let mut shell = shell(url).await;
    sqlx::raw_sql(text).execute(&mut shell).await.unwrap();
}
