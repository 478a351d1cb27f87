//! A database and a ledger, on a disk.

use std::path::{Path, PathBuf};

use resilience::{Runtime, RuntimeBuilder};
use resilience_test_support::scratch;
use tempfile::TempDir;

use crate::journal::{self, Saga};
use crate::ledger::{Entry, Ledger};

/// A folder with the runtime's database, and the ledger beside it.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    _own: Option<TempDir>,
}

/// What there is at a place at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) ledger: Vec<Entry>,
    pub(crate) sagas: Vec<Saga>,
    /// How often a step that is a row had its effect.
    pub(crate) entries: i64,
}

impl Place {
    /// A new one, removed when dropped.
    pub(crate) fn new() -> Self {
        let own = scratch::folder("faults");
        let folder = own.path().join("store");
        std::fs::create_dir(&folder).expect("a folder in it");
        Self {
            folder,
            _own: Some(own),
        }
    }

    /// A folder of somebody else.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            _own: None,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("a.db")
    }

    /// Outside of the folder, where no fault of the disk reaches it.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::at(self.folder.with_extension("ledger"))
    }

    /// Copies all of its files, and its ledger.
    pub(crate) fn copy_to(&self, other: &Self) {
        for entry in std::fs::read_dir(&self.folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let name = path.file_name().expect("a name");
                std::fs::copy(&path, other.folder.join(name)).expect("a copy");
            }
        }
        self.ledger().copy_to(&other.ledger());
    }

    /// A runtime on the database.
    pub(crate) fn runtime(&self) -> RuntimeBuilder {
        Runtime::builder(format!("sqlite://{}", self.database().display())).state(self.ledger())
    }

    /// Opens the store as the next process does, lets it recover, and looks at what it has made.
    pub(crate) async fn recover(&self) -> Snapshot {
        let runtime = self.runtime().scoped().open().await;
        let runtime = runtime.expect("the store opens after a crash");
        runtime.recovered().await;
        let report = runtime.shutdown().await;
        assert_eq!(report.left, 0, "recovery is at its end");
        self.look().await
    }

    /// Looks at what there is, without touching it.
    pub(crate) async fn look(&self) -> Snapshot {
        let (sagas, entries) = journal::look(&self.database()).await;
        Snapshot {
            ledger: self.ledger().read(),
            sagas,
            entries,
        }
    }
}

/// A runtime with one thread, whose time can be moved.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}
