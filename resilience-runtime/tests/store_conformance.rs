//! What every store must do, run against each: a store that passes this is a store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

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
#[macro_use]
#[path = "store_conformance/sagas.rs"]
mod sagas;

use resilience_runtime::store::memory::MemoryStore;

use self::fixture::Fixture;
use self::sagas::Workers;

mod memory {
    records!(crate::Memory::new(), start_paused = true);
    lock_holders!(crate::Memory::new(), start_paused = true);
    lock_line!(crate::Memory::new(), start_paused = true);
    sagas!(crate::Memory::new(), start_paused = false);
    saga_changes!(crate::Memory::new(), start_paused = false);
    everything!(crate::Memory::new(), start_paused = false);
    one_after_another!(crate::Memory::new(), start_paused = false);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    records!(crate::Sqlite::new(), start_paused = false);
    lock_holders!(crate::Sqlite::new(), start_paused = false);
    lock_line!(crate::Sqlite::new(), start_paused = false);
    sagas!(crate::Sqlite::new(), start_paused = false);
    saga_changes!(crate::Sqlite::new(), start_paused = false);
    everything!(crate::Sqlite::new(), start_paused = false);
}

struct Memory(MemoryStore);

impl Memory {
    fn new() -> Self {
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

impl Workers for Memory {
    async fn crash(&self, store: MemoryStore) {
        drop(store);
    }

    async fn close(&self, store: MemoryStore) {
        store.close().await;
    }
}

#[cfg(feature = "sqlite")]
struct Sqlite(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl Sqlite {
    fn new() -> Self {
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

#[cfg(feature = "sqlite")]
impl Workers for Sqlite {
    async fn crash(&self, store: Self::Store) {
        let before = self.alive();
        drop(store);
        while self.alive() == before {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    async fn close(&self, store: Self::Store) {
        store.close().await.unwrap();
    }
}

#[cfg(feature = "sqlite")]
impl Sqlite {
    /// How many workers hold the locks on their files.
    fn alive(&self) -> usize {
        let files = std::fs::read_dir(self.0.path().join("a.db.workers")).unwrap();
        let locked = files.filter(|file| {
            let file = std::fs::File::open(file.as_ref().unwrap().path());
            file.is_ok_and(|file| file.try_lock_shared().is_err())
        });
        locked.count()
    }
}
