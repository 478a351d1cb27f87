//! The connections that only read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::time::Instant;

use super::connection::options;
use super::failure;
use super::identity::Identity;
use crate::error::StoreError;

/// One of them looks for changes while somebody waits.
const READERS_MAX: u32 = 5;
/// For how long a check of the file's place counts for hits: a check costs a tenth of a hit.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// For whom the file is not where it was.
pub(super) const MOVED: &str = "the file was moved, deleted or replaced while it was open";

/// Opened when they are needed. A read that is dropped on its way leaves nothing behind: each is a single statement, which
/// SQLite resets, and none is in a transaction.
#[derive(Clone)]
pub(super) struct Readers {
    pool: SqlitePool,
    path: Arc<Path>,
    file: Identity,
    checked: Arc<LastCheck>,
}

/// When the file was last found in its place.
struct LastCheck {
    origin: Instant,
    /// Since the origin.
    micros: AtomicU64,
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
            checked: Arc::new(LastCheck {
                origin: Instant::now(),
                micros: AtomicU64::new(0),
            }),
        }
    }

    /// The connections, while the file is in its place. A connection that is opened on another file would not only go on reading
    /// that one: SQLite looks for the log by the name of the file, and clears it up when the connection is closed.
    pub(super) fn in_place(&self) -> Result<&SqlitePool, sqlx::Error> {
        if !self.file.is_at(&self.path) {
            return Err(sqlx::Error::Configuration(MOVED.into()));
        }
        self.checked.mark();
        Ok(&self.pool)
    }

    /// The same for an operation of the store.
    pub(super) fn get(&self, doing: &'static str) -> Result<&SqlitePool, StoreError> {
        self.in_place()
            .map_err(|error| failure::reading(doing, error))
    }

    /// A connection for reading a record that does not change any more. If the file was moved within [`CHECK_INTERVAL`], it is one
    /// that was open before, and reads what was true when the file was moved.
    pub(super) async fn acquire_for_hit(
        &self,
        doing: &'static str,
    ) -> Result<PoolConnection<Sqlite>, StoreError> {
        if self.checked.is_recent()
            && let Some(open) = self.pool.try_acquire()
        {
            return Ok(open);
        }
        let connection = self.get(doing)?.acquire().await;
        connection.map_err(|error| failure::reading(doing, error))
    }

    /// The connections, wherever the file is: to end them.
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

impl LastCheck {
    fn mark(&self) {
        self.micros.store(self.since_origin(), Ordering::Relaxed);
    }

    fn is_recent(&self) -> bool {
        let ago = self
            .since_origin()
            .saturating_sub(self.micros.load(Ordering::Relaxed));
        Duration::from_micros(ago) < CHECK_INTERVAL
    }

    fn since_origin(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::super::connection;
    use super::*;

    /// On a new file, which is moved away right after a check. Time is paused from then on.
    async fn moved(with_one_open: bool) -> (tempfile::TempDir, Readers) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let made = connection::prepare(&path).await.unwrap();
        made.close().await.unwrap();
        let readers = Readers::of(Identity::of(&path).unwrap(), &path);
        if with_one_open {
            let mut open = readers.acquire_for_hit("reading").await.unwrap();
            open.return_to_pool().await;
        }
        tokio::time::pause();
        readers.in_place().unwrap();
        std::fs::rename(&path, folder.path().join("aside.db")).unwrap();
        (folder, readers)
    }

    async fn is_refused(readers: &Readers) -> bool {
        match readers.acquire_for_hit("reading").await {
            Ok(mut open) => {
                open.return_to_pool().await;
                false
            }
            Err(error) => {
                assert!(error.to_string().contains(MOVED), "{error}");
                true
            }
        }
    }

    /// However recent the last check is.
    #[tokio::test]
    async fn no_connection_is_opened_on_another_file() {
        let (folder, readers) = moved(false).await;
        std::fs::copy(folder.path().join("aside.db"), &readers.path).unwrap();
        // A connection is opened in real time.
        tokio::time::resume();
        assert!(is_refused(&readers).await);
    }

    #[tokio::test]
    async fn a_connection_that_was_open_reads_for_a_moment_after_the_file_was_moved() {
        let (_folder, readers) = moved(true).await;
        assert!(!is_refused(&readers).await);
        tokio::time::advance(CHECK_INTERVAL).await;
        assert!(is_refused(&readers).await);
    }
}
