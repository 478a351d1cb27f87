//! The embedded store: one SQLite file.
//!
//! # What is guaranteed
//!
//! A write that was answered is on the disk: the file is in write-ahead mode and each commit is
//! synced (`synchronous = FULL`), so it survives a killed process and a power loss, provided that the
//! disk keeps what it has confirmed. Writes that are requested at the same time share a commit.
//!
//! A write that was handed over is executed, even if the future that requested it is dropped. If a
//! write fails, [`StoreError::effect`] says whether it may have been done.
//!
//! Several processes of one machine may have the file open. What a process holds becomes free the
//! moment it ends, however it ends, and is never taken from one that is merely slow or stopped:
//! see the locks in the folder `<file>.workers`, which must stay beside the file. A file on a
//! network file system is not supported.
//!
//! A saga step in a transaction of its own (`tx`) holds the write lock of the file from its beginning to its commit: nothing
//! else is written meanwhile, and a write that waits for longer than ten seconds is refused. Keep such a step short.
//!
//! The file may be a database of your own: the names of this crate's tables, indexes and views begin with
//! `resilience_`, and the crate touches nothing else in the file, except that it sets the write-ahead mode.

mod acquire;
mod advance;
mod changes;
mod connection;
mod failure;
mod filter;
mod idempotency;
mod identity;
mod inspect;
mod journal;
mod letters;
mod liveness;
mod lock;
mod migrations;
mod operation;
mod park;
mod queries;
mod queue;
mod readers;
mod record;
mod recovery;
mod rows;
mod start;
mod statements;
mod step;
mod transaction;
mod wakes;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::sqlite::SqliteRow;
use tokio::sync::{mpsc, oneshot};

use self::changes::Changes;
use self::identity::Identity;
use self::liveness::Worker;
use self::operation::{Job, Operation};
use self::readers::Readers;
use self::wakes::Wakes;
use self::writer::{Counters, Message, Writer};
use crate::error::StoreError;

/// How many operations may wait to be accepted; more wait in their callers.
const WAITING_MAX: usize = 1024;

/// The store in an SQLite file. A clone is another handle to the same open store.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    writer: mpsc::Sender<Message>,
    readers: Readers,
    worker: Arc<Worker>,
    counters: Arc<Counters>,
    wakes: Arc<Wakes>,
    changes: Arc<Changes>,
    /// How often something was claimed or locked.
    claims: AtomicU64,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("worker", &self.shared.worker.id())
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file at `path`, creates it if there is none, and migrates it to the schema of this
    /// crate. The store works as long as the tokio runtime on which it was opened.
    ///
    /// # Errors
    /// When `path` is a directory, its parent is missing, the file cannot be written, it is not an SQLite
    /// database or is damaged, or its schema is newer than this crate's. A file that is refused is not
    /// changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        const DOING: &str = "opening the SQLite file";
        let mut connection = connection::prepare(path).await?;
        // Two processes may name the file differently, and must meet in one folder.
        let path =
            std::fs::canonicalize(path).map_err(|error| StoreError::refused(DOING, error))?;
        let file = Identity::of(&path).map_err(|error| StoreError::refused(DOING, error))?;
        let worker = Worker::enter(&path).map_err(|error| {
            let text = format!(
                "the folder {}.workers, which shows who is alive, cannot be used: {error}",
                path.display()
            );
            StoreError::refused(DOING, text)
        })?;
        let worker = Arc::new(worker);
        let changes = Changes::since_now(&mut connection).await;
        let changes = Arc::new(changes.map_err(|error| StoreError::refused(DOING, error))?);
        let counters = Arc::new(Counters::default());
        let readers = Readers::of(file, &path);
        let wakes = Arc::new(Wakes::new(readers.clone()));
        let (writer, inbox) = mpsc::channel(WAITING_MAX);
        let task = Writer {
            path,
            file,
            connection: Some(connection),
            inbox,
            counters: Arc::clone(&counters),
            worker: Arc::clone(&worker),
            wakes: Arc::downgrade(&wakes),
            changes: Arc::clone(&changes),
            texts: HashMap::new(),
        };
        tokio::spawn(task.run());
        Ok(Self {
            shared: Arc::new(Shared {
                writer,
                readers,
                worker,
                counters,
                wakes,
                changes,
                claims: AtomicU64::new(0),
            }),
        })
    }

    /// Finishes the writes that were handed over, releases the unfinished sagas, and closes the file.
    ///
    /// Every later call on any clone fails, and other processes may take over what this store still holds. Dropping all
    /// clones closes the store too, but does not wait and does not release the sagas: an interruption is counted when they
    /// are taken over.
    ///
    /// # Errors
    /// When the store is already closed, or the file could not be closed cleanly. Writes that were
    /// answered are safe in either case.
    pub async fn close(self) -> Result<(), StoreError> {
        const DOING: &str = "closing the SQLite file";
        // The connection that writes is to be the last: it moves the log into the file. An idle
        // writer closes as soon as it is told.
        self.shared.readers.pool().close().await;
        let (done, closed) = oneshot::channel();
        let sent = self.shared.writer.send(Message::Close(done)).await;
        sent.map_err(|_| failure::closed(DOING))?;
        let closed = closed.await.map_err(|_| failure::closed(DOING))?;
        closed.map_err(|error| StoreError::in_doubt(DOING, error))
    }

    /// How many commits this store made, and how many operations shared them.
    #[doc(hidden)]
    #[must_use]
    pub fn commits(&self) -> (u64, u64) {
        let counters = &self.shared.counters;
        (
            counters.batches.load(Ordering::Relaxed),
            counters.operations.load(Ordering::Relaxed),
        )
    }

    /// Hands `operation` to the writer, and returns the rows that answer it.
    async fn write(&self, operation: Operation) -> Result<Vec<SqliteRow>, StoreError> {
        self.hand_over(operation).await?.answer().await
    }

    /// Hands `operation` to the writer: from here on it is executed, whoever waits for it.
    async fn hand_over(&self, mut operation: Operation) -> Result<HandedOver, StoreError> {
        let doing = operation.doing;
        if let Some(error) = operation.malformed.take() {
            return Err(StoreError::refused(doing, error));
        }
        let (answer, answered) = oneshot::channel();
        let job = Job { operation, answer };
        let sent = self.shared.writer.send(Message::Work(job)).await;
        sent.map_err(|_| failure::closed(doing))?;
        Ok(HandedOver { doing, answered })
    }

    /// Whether the worker `owner` is gone for good.
    async fn is_gone(&self, owner: String) -> Result<bool, StoreError> {
        if owner == self.shared.worker.id() {
            return Ok(false);
        }
        let worker = Arc::clone(&self.shared.worker);
        tokio::task::spawn_blocking(move || worker.is_gone(&owner))
            .await
            .map_err(|error| StoreError::refused("looking for live workers", error))
    }
}

/// An operation that the writer has.
struct HandedOver {
    doing: &'static str,
    answered: oneshot::Receiver<Result<Vec<SqliteRow>, failure::Failure>>,
}

impl HandedOver {
    async fn answer(self) -> Result<Vec<SqliteRow>, StoreError> {
        match self.answered.await {
            Ok(answer) => answer.map_err(|failure| failure.into_error(self.doing)),
            Err(_) => Err(StoreError::in_doubt(
                self.doing,
                "the runtime that the store was opened on ended before the answer",
            )),
        }
    }
}
