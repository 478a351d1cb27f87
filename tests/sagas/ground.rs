//! A store, and the folder of the ledger.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::store::Risk;
use resilience::{Runtime, RuntimeBuilder};
use resilience_test_support::scratch;
use resilience_test_support::server::Postgres;
use tempfile::TempDir;

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
        Some(Self { url, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::at(self.folder())
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

/// How long a process may be silent here.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// A worker on the store at `url`.
pub(crate) fn runtime(url: &str, ledger: &Ledger) -> RuntimeBuilder {
    Runtime::builder(url)
        .state(ledger.clone())
        // Servers of tests are in memory.
        .accept(Risk::NotDurable)
        .worker_lease(LEASE)
        .poll_interval(Duration::from_millis(200))
}
