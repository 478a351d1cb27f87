//! The runtime as `main` sees it: opening it, its background work, and shutting it down. The part of it
//! that the concerns share is the `core`.

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
pub use error::{MissingState, OpenError};

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

/// A handle to the runtime. Annotated functions find the runtime by themselves; `main` keeps a handle
/// and shuts the runtime down with [`Runtime::shutdown`].
///
/// A clone is another handle to the same runtime. When the last handle is dropped, background work
/// stops where it stands, while calls that somebody is waiting for run to their ends. The next process
/// that opens the store finishes whatever is left unfinished.
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
    /// | `sqlite://path?mode=rw` | the same, but the file must exist ([`existing_only`](RuntimeBuilder::existing_only)); `?mode=rwc` is the default |
    /// | `postgres://user:password@host:5432/database` | the tables in the PostgreSQL database, for several machines |
    /// | `redis://user:password@host:port/database` | a Redis server: idempotency and locks, no sagas |
    /// | `redis-sentinel://host:port,host:port/master` | the Redis server that the Sentinels report as the master of that name |
    /// | `redis-cluster://host:port,host:port` | a Redis Cluster |
    /// | `memory:` | this process's memory: for tests |
    ///
    /// `rediss://`, `rediss-sentinel://` and `rediss-cluster://` use TLS. Redis URLs take options after a `?`, joined by
    /// `&`: `ca=/path` names a file with the certificates to trust instead of the usual public ones, `prefix=orders` replaces
    /// `resilience` at the beginning of every key, and `sentinel_user=` and `sentinel_password=` log in to the Sentinels,
    /// which have users of their own. A character that has a meaning in URLs, for example in a password, is written as `%`
    /// and two hexadecimal digits.
    ///
    /// Sagas that another process left unfinished are taken over and finished in the background;
    /// [`Runtime::recovered`] waits for that.
    ///
    /// # Errors
    /// See [`OpenError`]. After an error, nothing runs in the background.
    pub async fn open(url: impl Into<String>) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// Begins to open the store at `url` with settings of your own, above all with [`RuntimeBuilder::state`].
    pub fn builder(url: impl Into<String>) -> RuntimeBuilder {
        RuntimeBuilder::at(url.into())
    }

    /// Begins to open a runtime on a store of your own instead of one that a URL names.
    /// [`Runtime::shutdown`] does not close such a store.
    pub fn on_store<S>(store: Arc<S>) -> RuntimeBuilder
    where
        S: Journal + Queue + IdempotencyStore + LockStore + 'static,
    {
        RuntimeBuilder::on(Stores::of(store))
    }

    /// Runs `future` on this runtime instead of the process-wide one. This does not apply to tasks that the
    /// future spawns.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        SCOPED.scope(Arc::clone(&self.core), future).await
    }

    /// Prepares to acquire the lock `name` for `key`. It is the same lock that a function under
    /// `#[locked(name = "…", key = …)]` takes on the same store. The name appears in metrics, the key does not.
    pub fn lock<K: KeyValue + ?Sized>(&self, name: &'static str, key: &K) -> LockRequest {
        LockRequest::new(Arc::clone(&self.core), name, key)
    }

    /// The sagas in the journal: list them, wait for them, cancel and undo them.
    #[must_use]
    pub fn sagas(&self) -> Sagas {
        Sagas::of(Arc::clone(&self.core))
    }

    /// The current time by the store's clock. All timestamps of sagas and dead letters are by that clock.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store_time(&self) -> Result<Timestamp, StoreError> {
        self.core.stores.journal.now().await
    }

    /// The dead letter queue.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::of(Arc::clone(&self.core))
    }

    /// Waits until every saga that was left unfinished before the runtime was opened has been dealt with once.
    ///
    /// That covers sagas whose process is gone, and sagas that an earlier process parked because its code did not fit.
    /// Each of them is then completed, compensated, in the dead letter queue, postponed (because it can only go forward,
    /// or because a circuit breaker is open), or reported in the log as one that cannot run here. The future resolves at
    /// once on a runtime without recovery, and when the runtime is shut down. It can be dropped at any time.
    pub async fn recovered(&self) {
        self.background.recovered().await;
    }

    /// Stops taking new work, waits for the work that is running, and closes the store.
    ///
    /// Calls that come from now on are answered with
    /// [`Error::ShuttingDown`](crate::error::Error::ShuttingDown). Running work gets up to
    /// [`shutdown_timeout`](RuntimeBuilder::shutdown_timeout) (30 s by default) to end. A saga that is still
    /// running then is not lost: the next process that opens the store finishes it. A second call finds nothing
    /// left to do. If the future is dropped while work is running, the runtime takes no new work, but nobody
    /// closes the store.
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

/// How much work [`Runtime::shutdown`] waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many of the sagas, calls and locks that were in progress ended in time.
    pub finished: u64,
    /// How many did not. They are in the journal.
    pub left: u64,
}

/// How long [`Runtime::shutdown`] waits unless told otherwise.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
