//! Where in a saga the current task stands.

use std::sync::Arc;

use super::execution::Execution;
use crate::core;
use crate::policy::deadline::free;

/// Where in a saga the current code stands.
#[derive(Clone)]
pub(super) enum Context {
    /// In the body of a saga: steps are journaled.
    Body(Arc<Execution>),
    /// In a step: steps are plain calls.
    Inner,
    /// In a compensation: steps are plain calls.
    Compensation,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// Runs `future` at `context`.
///
/// A saga goes on without its caller, and is undone without it: neither asks how long the caller
/// waits. A step has the deadlines that the body gives it.
pub(super) fn within<F: Future>(context: Context, future: F) -> impl Future<Output = F::Output> {
    let is_free = !matches!(context, Context::Inner);
    core::inside(CONTEXT.scope(context, free(is_free, future)))
}

/// The saga whose body the current code is.
pub(super) fn body() -> Option<Arc<Execution>> {
    let execution = CONTEXT.try_with(|context| match context {
        Context::Body(execution) => Some(Arc::clone(execution)),
        Context::Inner | Context::Compensation => None,
    });
    execution.ok().flatten()
}

/// Whether the current code is the body of a saga.
pub(super) fn is_body() -> bool {
    CONTEXT
        .try_with(|context| matches!(context, Context::Body(_)))
        .unwrap_or(false)
}
