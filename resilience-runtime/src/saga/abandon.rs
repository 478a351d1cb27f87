//! What happens to a saga whose caller goes away.

use std::sync::Arc;

use super::cause::Cut;
use super::ending;
use super::execution::{Execution, Halt};
use super::journal::SagaId;
use super::ledger::Stop;
use super::supervisor;
use crate::core::Permit;

/// The saga while its body runs. Dropped, it hands the saga to the supervisor of the runtime: a
/// caller may go away, a saga may not.
pub(super) struct Running {
    id: SagaId,
    parts: Option<(Arc<Execution>, Permit)>,
    halt: Option<Halt>,
}

impl Running {
    pub(super) fn new(execution: Arc<Execution>, permit: Permit) -> Self {
        Self {
            id: execution.id.clone(),
            parts: Some((execution, permit)),
            halt: None,
        }
    }

    pub(super) fn id(&self) -> SagaId {
        self.id.clone()
    }

    /// The name of the saga.
    pub(super) fn saga(&self) -> Option<&'static str> {
        self.parts.as_ref().map(|(execution, _)| execution.saga)
    }

    /// From now on the saga is to be undone, whether its caller stays or not: its body is not run again.
    pub(super) fn halt(&mut self, halt: Halt) {
        self.halt = Some(halt);
    }

    /// Takes the saga out: its end is the caller's to bring about.
    pub(super) fn into_parts(mut self) -> Option<(Arc<Execution>, Permit)> {
        self.parts.take()
    }

    pub(super) fn execution(&self) -> Option<Arc<Execution>> {
        self.parts
            .as_ref()
            .map(|(execution, _)| Arc::clone(execution))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some((execution, permit)) = self.parts.take() else {
            return;
        };
        let core = Arc::clone(&execution.core);
        // The steps that were under way are in doubt in this run and in no other.
        let halt = self.halt.filter(|_| !execution.is_pivoted());
        let work: crate::core::Abandoned = match (halt, execution.stopped()) {
            (Some(halt), None | Some(Stop::Mismatch(_))) => Box::pin(async move {
                let cause = Cut::by(halt, &execution).words();
                ending::fail(execution, cause, None, permit).await;
            }),
            _ => Box::pin(supervisor::finish(execution, permit)),
        };
        core.supervise(work);
    }
}
