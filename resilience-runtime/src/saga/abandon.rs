//! What happens to a saga whose caller goes away.

use std::sync::Arc;

use super::execution::Execution;
use super::supervisor;
use crate::core::Permit;

/// The saga while its body runs. Dropped, it hands the saga to the supervisor of the runtime: a
/// caller may go away, a saga may not.
pub(super) struct Running(Option<(Arc<Execution>, Permit)>);

impl Running {
    pub(super) fn new(execution: Arc<Execution>, permit: Permit) -> Self {
        Self(Some((execution, permit)))
    }

    /// The name of the saga.
    pub(super) fn saga(&self) -> Option<&'static str> {
        self.0.as_ref().map(|(execution, _)| execution.saga)
    }

    /// Takes the saga out: its end is the caller's to bring about.
    pub(super) fn into_parts(mut self) -> Option<(Arc<Execution>, Permit)> {
        self.0.take()
    }

    pub(super) fn execution(&self) -> Option<Arc<Execution>> {
        self.0.as_ref().map(|(execution, _)| Arc::clone(execution))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((execution, permit)) = self.0.take() {
            let abandoned = execution.core.abandoned.clone();
            let panicked = execution.is_in_poll();
            // Without a supervisor the runtime is gone, and the next process takes the saga over.
            let _ = abandoned.send(Box::pin(supervisor::finish(execution, permit, panicked)));
        }
    }
}
