//! The runtime: the stores, the `#[state]` values, and the work that goes on in the background.

mod background;
mod builder;
mod catalog;
mod error;
mod gate;
mod open;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::mpsc;

pub use builder::RuntimeBuilder;
pub use error::OpenError;

use crate::dlq::{DeadLetters, Queue};
use crate::idempotency::flight::Flights;
use crate::idempotency::store::IdempotencyStore;
use crate::registry::States;
use crate::saga::journal::Journal;
use crate::saga::supervisor::Abandoned;
use crate::saga::{Endings, Sagas, context};
use background::Background;
pub(crate) use catalog::Catalog;
pub(crate) use gate::{Gate, Permit};

/// The three faces of the store that a runtime works on.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) idempotency: Arc<dyn IdempotencyStore>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) queue: Arc<dyn Queue>,
}

impl Stores {
    /// One store with all three faces.
    pub(crate) fn of<S>(store: Arc<S>) -> Self
    where
        S: Journal + Queue + IdempotencyStore + 'static,
    {
        Self {
            idempotency: Arc::clone(&store) as Arc<dyn IdempotencyStore>,
            journal: Arc::clone(&store) as Arc<dyn Journal>,
            queue: store,
        }
    }
}

/// What every clone of a [`Runtime`] shares.
pub(crate) struct Core {
    pub(crate) stores: Stores,
    pub(crate) states: States,
    /// The idempotent calls that run in this process.
    pub(crate) flights: Flights,
    pub(crate) catalog: Catalog,
    pub(crate) gate: Gate,
    /// Opened for inspection: takes no sagas.
    pub(crate) inspects: bool,
    /// Who waits for a saga of this process.
    pub(crate) endings: Endings,
    /// Sagas whose callers went away, for the supervisor.
    pub(crate) abandoned: mpsc::UnboundedSender<Abandoned>,
}

impl Core {
    /// A core, and what comes out of it for the supervisor.
    pub(crate) fn new(
        stores: Stores,
        states: States,
        catalog: Catalog,
        inspects: bool,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Abandoned>) {
        let (abandoned, receiver) = mpsc::unbounded_channel();
        let core = Self {
            stores,
            states,
            flights: Flights::default(),
            catalog,
            gate: Gate::new(),
            inspects,
            endings: Endings::default(),
            abandoned,
        };
        (Arc::new(core), receiver)
    }

    /// Whether new work may begin. What a running saga calls is part of the saga, and is let in
    /// while the runtime waits for the saga to end: to refuse it would be to undo the saga.
    pub(crate) fn accepts(&self) -> bool {
        self.gate.is_open() || (context::is_inside() && !self.gate.is_stopped())
    }

    /// Counts a piece of work until the permit is dropped; `None` once the runtime shuts down.
    pub(crate) fn enter(&self) -> Option<Permit> {
        self.gate.enter(context::is_inside())
    }
}

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
    /// | `memory:` | this process's memory: for tests |
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
        S: Journal + Queue + IdempotencyStore + 'static,
    {
        RuntimeBuilder::on(Stores::of(store))
    }

    /// Runs `future` on this runtime, whichever the process-wide one is. Tasks that the future
    /// spawns are outside of it.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        SCOPED.scope(Arc::clone(&self.core), future).await
    }

    /// The sagas in the journal.
    #[must_use]
    pub fn sagas(&self) -> Sagas {
        Sagas::of(Arc::clone(&self.core))
    }

    /// The dead letter queue.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::of(Arc::clone(&self.core))
    }

    /// Waits until every saga that was unfinished when the runtime was opened, and whose process
    /// was gone, has been dealt with once: completed, compensated, in the dead letter queue, or
    /// reported in the log as one that cannot be run here. Resolves at once on a runtime without
    /// recovery, and when the runtime is shut down.
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
            tracing::warn!(
                left,
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

/// The runtime that this process opened, for every task that is not under [`SCOPED`].
static INSTALLED: RwLock<Weak<Core>> = RwLock::new(Weak::new());

tokio::task_local! {
    /// The runtime of this task, where a test or a second runtime chose one.
    pub(crate) static SCOPED: Arc<Core>;
}

/// The runtime that the current task works on.
pub(crate) fn current() -> Option<Arc<Core>> {
    SCOPED.try_with(Arc::clone).ok().or_else(|| {
        INSTALLED
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade()
    })
}

/// Whether a process-wide runtime is open.
fn is_installed() -> bool {
    let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner);
    installed
        .upgrade()
        .is_some_and(|core| !core.gate.is_stopped())
}

/// Makes `core` the runtime of the process, unless there is one.
fn install(core: &Arc<Core>) -> Result<(), OpenError> {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    if installed
        .upgrade()
        .is_some_and(|core| !core.gate.is_stopped())
    {
        return Err(OpenError::AlreadyOpen);
    }
    *installed = Arc::downgrade(core);
    Ok(())
}
