//! A store, and the folder of the ledger.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::store::Risk;
use resilience::{Runtime, RuntimeBuilder};
use resilience_test_support::clock::MovedClock;
use resilience_test_support::proxy::Proxy;
use resilience_test_support::scratch;
use resilience_test_support::server::Postgres;
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::entries::Entries;
use crate::ledger::Ledger;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A new store.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) url: String,
    folder: TempDir,
}

impl Ground {
    /// `None` where its server is not installed.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        let folder = scratch::folder("sagas");
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("a.db").display()),
            Kind::Postgres => database()?,
        };
        Some(Self::with(url, folder))
    }

    /// A database on a server of the test's own.
    pub(crate) fn on(server: &Postgres, name: &str) -> Self {
        Self::with(server.create_database(name), scratch::folder("sagas"))
    }

    fn with(url: String, folder: TempDir) -> Self {
        block_on(async { Entries::at(&url).create().await });
        Self { url, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::at(self.folder())
    }

    /// A process of this test, with sagas of its own or none.
    pub(crate) async fn open(&self) -> Runtime {
        let opened = runtime(&self.url, &self.ledger()).scoped().open().await;
        opened.expect("the store opens")
    }

    /// The clock of the machine that the processes are on which are given it.
    pub(crate) fn clock(&self) -> MovedClock {
        MovedClock::new(&self.folder().join("clock"))
    }

    /// Lets the lease of every process on PostgreSQL be over at once: those that live take a new one. On SQLite there are none.
    pub(crate) async fn bury(&self) {
        if self.url.starts_with("sqlite:") {
            return;
        }
        const BURY: &str = "UPDATE resilience_workers SET lease_end = lease_end - interval '1 day'";
        let mut connection = sqlx::PgConnection::connect(&self.url)
            .await
            .expect("a server");
        let buried = sqlx::raw_sql(BURY).execute(&mut connection).await;
        buried.expect("they are buried");
        connection.close().await.expect("it closes");
    }

    /// Looks at the store, and does nothing.
    pub(crate) async fn observe(&self) -> Runtime {
        let builder = runtime(&self.url, &self.ledger()).scoped();
        let opened = builder.without_recovery().open().await;
        opened.expect("the store opens")
    }

    /// A network between PostgreSQL and who uses the address.
    pub(crate) fn network(&self) -> (Proxy, String) {
        let after = self.url.rsplit(':').next().expect("a URL with a port");
        let port = after.split('/').next().expect("a URL with a path");
        let proxy = Proxy::start(port.parse().expect("a port"));
        let url = proxy.in_front_of(&self.url);
        (proxy, url)
    }
}

/// A database of its own on the server that all tests share.
fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    static DATABASES: AtomicU64 = AtomicU64::new(0);
    let server = SERVER.get_or_init(Postgres::start).as_ref()?;
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    Some(server.create_database(&format!("sagas{number}")))
}

/// How long a process may be silent here: longer than a machine under load lets those wait that live, and are not to be taken for
/// dead.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// A worker on the store at `url`.
pub(crate) fn runtime(url: &str, ledger: &Ledger) -> RuntimeBuilder {
    with_lease(url, ledger, LEASE)
}

pub(crate) fn with_lease(url: &str, ledger: &Ledger, lease: Duration) -> RuntimeBuilder {
    Runtime::builder(url)
        .state(ledger.clone())
        .state(Entries::at(url))
        // Servers of tests are in memory.
        .accept(Risk::NotDurable)
        // Some of them move the clocks of processes.
        .accept(Risk::Clock)
        .worker_lease(lease)
        .poll_interval(Duration::from_millis(200))
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}
