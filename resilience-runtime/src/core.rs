//! What the concerns share while a runtime is open: the stores, the `#[state]` values, and who may
//! still begin. It knows what the concerns keep in it and none of what they do; the
//! [`runtime`](crate::runtime) above opens and closes it.

mod gate;
mod give_back;
mod settings;

use std::sync::{Arc, PoisonError, RwLock, Weak};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::BoxFuture;
use crate::dlq::Queue;
use crate::error::{Error, StoreError};
use crate::idempotency::flight::Flights;
use crate::idempotency::remembered::Remembered;
use crate::idempotency::store::IdempotencyStore;
use crate::lock::store::LockStore;
use crate::registry::{Catalog, States};
use crate::saga::endings::Endings;
use crate::saga::journal::Journal;
use crate::saga::limits::ConcurrencyLimits;
use crate::saga::running::RunningSagas;
use crate::saga::slots::BackgroundSlots;

pub(crate) use gate::{Gate, Permit, inside, is_inside};
pub(crate) use give_back::give_back;
pub(crate) use settings::Settings;

/// The faces of the store that a runtime works on.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) idempotency: Arc<dyn IdempotencyStore>,
    pub(crate) locks: Arc<dyn LockStore>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) queue: Arc<dyn Queue>,
}

impl Stores {
    /// One store with all faces.
    pub(crate) fn of<S>(store: Arc<S>) -> Self
    where
        S: Journal + Queue + IdempotencyStore + LockStore + 'static,
    {
        Self {
            idempotency: Arc::clone(&store) as Arc<dyn IdempotencyStore>,
            locks: Arc::clone(&store) as Arc<dyn LockStore>,
            journal: Arc::clone(&store) as Arc<dyn Journal>,
            queue: store,
        }
    }
}

/// Work that goes on without the caller who began it.
pub(crate) type Abandoned = BoxFuture<'static, ()>;

/// What every clone of a [`Runtime`](crate::runtime::Runtime) shares.
pub(crate) struct Core {
    pub(crate) stores: Stores,
    pub(crate) states: States,
    /// The idempotent calls that run in this process.
    pub(crate) flights: Flights,
    /// What idempotent calls of this process came to, lately.
    pub(crate) results: Remembered,
    pub(crate) catalog: Catalog,
    pub(crate) settings: Settings,
    pub(crate) gate: Gate,
    /// Opened for inspection: takes no sagas.
    pub(crate) inspects: bool,
    /// Who waits for a saga of this process.
    pub(crate) endings: Endings,
    /// Who works on sagas in the background.
    pub(crate) slots: Arc<BackgroundSlots>,
    /// The sagas whose bodies run in this process.
    pub(crate) running: RunningSagas,
    /// How many of them may.
    pub(crate) limits: ConcurrencyLimits,
    /// What is left to do of sagas whose callers went away, for the supervisor.
    abandoned: mpsc::UnboundedSender<Abandoned>,
}

impl Core {
    /// A core, and what comes out of it for the supervisor.
    pub(crate) fn new(
        stores: Stores,
        states: States,
        catalog: Catalog,
        settings: Settings,
        inspects: bool,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Abandoned>) {
        let (abandoned, receiver) = mpsc::unbounded_channel();
        let core = Self {
            stores,
            states,
            flights: Flights::default(),
            results: Remembered::default(),
            catalog,
            settings,
            gate: Gate::new(),
            inspects,
            endings: Endings::default(),
            slots: Arc::default(),
            running: RunningSagas::default(),
            limits: ConcurrencyLimits::default(),
            abandoned,
        };
        (Arc::new(core), receiver)
    }

    /// Whether new work may begin. What a running saga calls is part of the saga, and is let in
    /// while the runtime waits for the saga to end: to refuse it would be to undo the saga.
    pub(crate) fn accepts(&self) -> bool {
        self.gate.is_open() || (is_inside() && !self.gate.is_stopped())
    }

    /// Hands work that its caller does not wait for to the supervisor. Without one the runtime is gone, and the next process
    /// does it.
    pub(crate) fn supervise(&self, work: Abandoned) {
        let _ = self.abandoned.send(work);
    }

    /// Counts a piece of work until the permit is dropped; `None` once the runtime shuts down.
    pub(crate) fn enter(&self) -> Option<Permit> {
        self.gate.enter(is_inside())
    }
}

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

/// The tokio runtime that `function` is called in. What begins there may have to be ended after its
/// caller is gone, and without a runtime there would be nobody to do it.
pub(crate) fn background(function: &'static str) -> Result<Handle, Error> {
    Handle::try_current().map_err(|error| Error::Store {
        function,
        source: StoreError::refused("looking for the tokio runtime", error),
    })
}

/// Goes on with `work` of a call that is dropped, and that began in `background`: the tokio runtime that it is dropped
/// in may be another one, and is the one that still runs.
pub(crate) fn go_on(background: &Handle, work: impl Future<Output = ()> + Send + 'static) {
    let here = Handle::try_current();
    here.as_ref().unwrap_or(background).spawn(work);
}

/// Whether a process-wide runtime is open.
pub(crate) fn is_installed() -> bool {
    is_working(&INSTALLED.read().unwrap_or_else(PoisonError::into_inner))
}

/// Makes `core` the runtime of the process; false when there is one.
pub(crate) fn install(core: &Arc<Core>) -> bool {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    if is_working(&installed) {
        return false;
    }
    *installed = Arc::downgrade(core);
    true
}

fn is_working(installed: &Weak<Core>) -> bool {
    let core = installed.upgrade();
    core.is_some_and(|core| !core.gate.is_stopped())
}
