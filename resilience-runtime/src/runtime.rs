//! The runtime: the stores, the `#[state]` values, and the work that goes on in the background.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::dlq::Queue;
use crate::idempotency::flight::Flights;
use crate::idempotency::store::IdempotencyStore;
use crate::registry::States;
use crate::saga::journal::Journal;

/// The three faces of the store that a runtime works on.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) idempotency: Arc<dyn IdempotencyStore>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) queue: Arc<dyn Queue>,
}

/// What every clone of a [`Runtime`] shares.
pub(crate) struct Core {
    pub(crate) stores: Stores,
    pub(crate) states: States,
    /// The idempotent calls that run in this process.
    pub(crate) flights: Flights,
}

/// A handle to the runtime. Annotated functions find it by themselves; `main` keeps one, and ends
/// it with `shutdown`.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) core: Arc<Core>,
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
