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

mod memory {
    records!(crate::Memory::new(), start_paused = true);
    lock_holders!(crate::Memory::new(), start_paused = true);
    lock_line!(crate::Memory::new(), start_paused = true);
    sagas!(crate::Memory::new(), start_paused = false);
    everything!(crate::Memory::new(), start_paused = false);
    one_after_another!(crate::Memory::new(), start_paused = false);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    records!(crate::Sqlite::new(), start_paused = false);
    lock_holders!(crate::Sqlite::new(), start_paused = false);
    lock_line!(crate::Sqlite::new(), start_paused = false);
    sagas!(crate::Sqlite::new(), start_paused = false);
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
