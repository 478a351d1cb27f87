//! Where in a saga the current task stands.

use std::sync::Arc;

use super::execution::Execution;
use super::journal::{SagaId, StepRecord};
use crate::core;
use crate::policy::deadline::free;

/// Where in a saga the current code stands.
#[derive(Clone)]
pub(super) enum Context {
    /// In the body of a saga: steps are journaled.
    Body(Arc<Execution>),
    /// In a step: steps are plain calls.
    Inner(Arc<Part>),
    /// In a compensation: steps are plain calls.
    Compensation(Arc<Part>),
}

/// A step or a compensation, for what asks which one it is.
pub(super) struct Part {
    pub(super) saga: SagaId,
    /// Which one it is, in words that are the same in every run, whatever comes first in it.
    pub(super) known_by: String,
}

tokio::task_local! {
    static CONTEXT: Context;
}

impl Context {
    /// In the compensation of `step`.
    pub(super) fn compensating(saga: &SagaId, step: &StepRecord) -> Self {
        Self::Compensation(Arc::new(Part {
            saga: saga.clone(),
            known_by: format!("{} {}", step.occurrence, step.step),
        }))
    }

    /// Where the current code stands, if it is part of a saga.
    pub(super) fn current() -> Option<Self> {
        CONTEXT.try_with(Self::clone).ok()
    }
}

/// Runs `future` at `context`.
///
/// A saga goes on without its caller, and is undone without it: neither asks how long the caller
/// waits. A step has the deadlines that the body gives it.
pub(super) fn within<F: Future>(context: Context, future: F) -> impl Future<Output = F::Output> {
    let is_free = !matches!(context, Context::Inner(_));
    core::inside(CONTEXT.scope(context, free(is_free, future)))
}

/// The saga whose body the current code is.
pub(super) fn body() -> Option<Arc<Execution>> {
    let execution = CONTEXT.try_with(|context| match context {
        Context::Body(execution) => Some(Arc::clone(execution)),
        Context::Inner(_) | Context::Compensation(_) => None,
    });
    execution.ok().flatten()
}

/// Whether the current code is the body of a saga.
pub(super) fn is_body() -> bool {
    CONTEXT
        .try_with(|context| matches!(context, Context::Body(_)))
        .unwrap_or(false)
}
