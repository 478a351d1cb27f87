//! The runtime as `main` has it: opening it, its background work, and shutting it down. What the
//! concerns share of it is the `core`.

mod background;
mod builder;
mod error;
mod linked;
mod open;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use builder::RuntimeBuilder;
pub use error::OpenError;

use crate::core::{Core, SCOPED, Stores};
use crate::dlq::{DeadLetters, Queue};
use crate::error::StoreError;
use crate::idempotency::store::IdempotencyStore;
use crate::key::KeyValue;
use crate::lock::LockRequest;
use crate::lock::store::LockStore;
use crate::saga::Sagas;
use crate::saga::journal::Journal;
use crate::timestamp::Timestamp;
use background::Background;

/// A handle to the runtime. Annotated functions find it by themselves; `main` keeps one, and ends
/// it with [`Runtime::shutdown`].
///
/// A clone is another handle to the same runtime. When the last handle is dropped, the background
/// work stops where it stands and callers' own calls go on to their ends; what is unfinished then
/// is finished by the next process that opens the store.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) core: Arc<Core>,
    background: Arc<Background>,
}

impl Runtime {
    /// Opens the store at `url` and makes this the runtime of the process.
    ///
    /// | URL | store |
    /// |---|---|
    /// | `sqlite://path`, `sqlite:path` | the SQLite file, relative to the working directory |
    /// | `sqlite:///abs/path` | the SQLite file, absolute |
    /// | `sqlite://path?mode=rw` | the same, where it is there already ([`existing_only`](RuntimeBuilder::existing_only)); `?mode=rwc` is as without |
    /// | `postgres://user:password@host:5432/database` | the tables in the PostgreSQL database, for several machines |
    /// | `redis://user:password@host:port/database` | a Redis: idempotency and locks, no sagas |
    /// | `redis-sentinel://host:port,host:port/master` | the Redis that Sentinels call the master |
    /// | `redis-cluster://host:port,host:port` | a Redis Cluster |
    /// | `memory:` | this process's memory: for tests |
    ///
    /// `rediss://`, `rediss-sentinel://` and `rediss-cluster://` are encrypted. Options of the three follow a `?`, joined by
    /// `&`: `ca=/path` of a file with the certificates to trust instead of those of the web, `prefix=orders` for
    /// keys that begin otherwise than with `resilience`, `sentinel_user=` and `sentinel_password=` for Sentinels,
    /// which have users of their own. A character with a meaning, in a password for example, is written as `%` and
    /// two hexadecimal digits.
    ///
    /// Sagas that another process left unfinished are taken over and finished in the background;
    /// [`Runtime::recovered`] waits for that.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing runs in the background then.
    pub async fn open(url: impl Into<String>) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// The same with settings, above all with [`RuntimeBuilder::state`].
    pub fn builder(url: impl Into<String>) -> RuntimeBuilder {
        RuntimeBuilder::at(url.into())
    }

    /// A runtime on a store of your own, instead of one that a URL names. The store is not closed
    /// by [`Runtime::shutdown`].
    pub fn on_store<S>(store: Arc<S>) -> RuntimeBuilder
    where
        S: Journal + Queue + IdempotencyStore + LockStore + 'static,
    {
        RuntimeBuilder::on(Stores::of(store))
    }

    /// Runs `future` on this runtime, whichever the process-wide one is. Tasks that the future
    /// spawns are outside of it.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        SCOPED.scope(Arc::clone(&self.core), future).await
    }

    /// The lock `name` of `key`, to be acquired: the one that a function under
    /// `#[locked(name = "…", key = …)]` takes on the same store. The name stands in metrics, the key does not.
    pub fn lock<K: KeyValue + ?Sized>(&self, name: &'static str, key: &K) -> LockRequest {
        LockRequest::new(Arc::clone(&self.core), name, key)
    }

    /// The sagas in the journal: looking at them, waiting for them, cancelling and undoing them.
    #[must_use]
    pub fn sagas(&self) -> Sagas {
        Sagas::of(Arc::clone(&self.core))
    }

    /// What time it is by the clock of the store, which all moments of sagas and dead letters are by.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn store_time(&self) -> Result<Timestamp, StoreError> {
        self.core.stores.journal.now().await
    }

    /// The dead letter queue.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::of(Arc::clone(&self.core))
    }

    /// Waits until every saga that was unfinished when the runtime was opened, and whose process
    /// was gone, has been dealt with once: completed, compensated, in the dead letter queue, put off because it
    /// can only go forward or because a breaker is open, or
    /// reported in the log as one that cannot be run here. Sagas that an earlier process parked because its code did not fit
    /// belong to them. Resolves at once on a runtime without
    /// recovery, and when the runtime is shut down. Cancelled at any time, it changes nothing.
    pub async fn recovered(&self) {
        self.background.recovered().await;
    }

    /// Takes no more work, waits for what is running, and closes the store.
    ///
    /// Calls that come from now on are answered with
    /// [`Error::ShuttingDown`](crate::error::Error::ShuttingDown). Waits for running sagas up to
    /// the builder's `shutdown_timeout` (30 s unless set). What is left then is not lost: the next
    /// process that opens the store finishes it. A second call finds nothing left to do. When the
    /// future is dropped, the runtime goes on draining and never closes the store by itself.
    pub async fn shutdown(&self) -> ShutdownReport {
        let running = self.core.gate.close();
        let timeout = self.background.shutdown_timeout;
        let drained = tokio::time::timeout(timeout, self.core.gate.idle()).await;
        let left = self.core.gate.stop();
        if drained.is_err() {
            tracing::warn!(target: "resilience", left,
                ?timeout,
                "shutdown did not wait for all running sagas"
            );
        }
        self.background.stop();
        self.background.close_store().await;
        ShutdownReport {
            finished: running.saturating_sub(left),
            left,
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// What [`Runtime::shutdown`] waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownReport {
    /// How much of the work that was running at the call ended in time.
    pub finished: u64,
    /// How much did not. The journal has it.
    pub left: u64,
}

/// How long [`Runtime::shutdown`] waits unless told otherwise.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
