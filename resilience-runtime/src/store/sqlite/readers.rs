//! The connections that only read.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use super::connection::options;
use super::failure;
use super::identity::Identity;
use crate::error::StoreError;

/// One of them looks for changes while somebody waits.
const READERS_MAX: u32 = 5;
/// For whom the file is not where it was.
pub(super) const MOVED: &str = "the file was moved, deleted or replaced while it was open";

/// Opened when they are needed. A read that is dropped on its way leaves nothing behind: each is a single statement, which
/// SQLite resets, and none is in a transaction.
#[derive(Clone)]
pub(super) struct Readers {
    pool: SqlitePool,
    path: Arc<Path>,
    file: Identity,
}

impl Readers {
    /// Of this file, which is at `path`.
    pub(super) fn of(file: Identity, path: &Path) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .test_before_acquire(false)
            .connect_lazy_with(options(path).read_only(true));
        Self {
            pool,
            path: path.into(),
            file,
        }
    }

    /// The connections, while the file is where it was. One that were opened on another file would not only go on reading
    /// that: SQLite looks for the log by the name of the file, and clears it up when the connection is closed.
    pub(super) fn in_place(&self) -> Result<&SqlitePool, sqlx::Error> {
        match self.file.is_at(&self.path) {
            true => Ok(&self.pool),
            false => Err(sqlx::Error::Configuration(MOVED.into())),
        }
    }

    /// The same for an operation of the store.
    pub(super) fn get(&self, doing: &'static str) -> Result<&SqlitePool, StoreError> {
        self.in_place()
            .map_err(|error| failure::reading(doing, error))
    }

    /// The connections, wherever the file is: to end them.
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}
