//! Where the sagas are kept: a file on the disk, or a database on a private server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use resilience::Runtime;
use resilience::store::sqlite::SqliteStore;
use resilience_runtime::runtime::RuntimeBuilder;
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::Accepted;
use resilience_test_support::server::Postgres;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::Failure;
use crate::functions::checkout;

pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Postgres),
}

/// A store that is open.
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Place {
    /// What there is on this machine.
    pub(crate) fn all() -> Vec<Self> {
        let sqlite = tempfile::tempdir().ok().map(Self::Sqlite);
        let postgres = Postgres::start_syncing().map(Self::Postgres);
        sqlite.into_iter().chain(postgres).collect()
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The URL of a new database.
    pub(crate) fn new_url(&self, name: &str) -> String {
        match self {
            Self::Sqlite(folder) => {
                format!("sqlite://{}", folder.path().join(name).display())
            }
            Self::Postgres(server) => server.create_database(name),
        }
    }

    pub(crate) async fn open(
        &self,
        url: &str,
        configure: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Result<(Runtime, Store), Failure> {
        let (builder, store) = match self {
            Self::Sqlite(_) => {
                let path = url.trim_start_matches("sqlite://");
                let store = SqliteStore::open(path.as_ref()).await?;
                (
                    Runtime::on_store(Arc::new(store.clone())),
                    Store::Sqlite(store),
                )
            }
            Self::Postgres(_) => {
                let store = PostgresStore::open(url, &Accepted::default()).await?;
                (
                    Runtime::on_store(Arc::new(store.clone())),
                    Store::Postgres(store),
                )
            }
        };
        Ok((configure(builder).open().await?, store))
    }

    /// Executes `text` beside the runtime.
    pub(crate) async fn execute(&self, url: &str, text: &'static str) -> Result<(), Failure> {
        match self {
            Self::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(url).await?;
                sqlx::raw_sql(text).execute(&mut connection).await?;
                connection.close().await?;
            }
            Self::Postgres(_) => {
                let mut connection = PgConnection::connect(url).await?;
                sqlx::raw_sql(text).execute(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }
}

/// Shuts the runtime down, and closes its store.
pub(crate) async fn close(runtime: Runtime, store: Store) -> Result<(), Failure> {
    runtime.shutdown().await;
    match store {
        Store::Sqlite(store) => store.close().await?,
        Store::Postgres(store) => drop(store.close().await),
    }
    Ok(())
}

/// Sagas of three steps per second, `at_a_time` at a time, for `round`.
pub(crate) async fn sagas_per_second(at_a_time: u64, round: Duration) -> Result<f64, Failure> {
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..at_a_time {
        callers.spawn(async move {
            let mut sagas = 0_u32;
            while began.elapsed() < round {
                checkout(7).await?;
                sagas += 1;
            }
            Ok::<_, resilience::Error>(sagas)
        });
    }
    let mut sagas = 0;
    for caller in callers.join_all().await {
        sagas += caller?;
    }
    Ok(f64::from(sagas) / began.elapsed().as_secs_f64())
}
