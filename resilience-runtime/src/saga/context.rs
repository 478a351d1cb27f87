//! Where in a saga the current task stands.

use std::sync::Arc;

use super::execution::Execution;
use crate::core;

/// Where in a saga the current code stands.
#[derive(Clone)]
pub(super) enum Context {
    /// In the body of a saga: steps are journaled.
    Body(Arc<Execution>),
    /// In a step or a compensation: steps are plain calls.
    Inner,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// Runs `future` at `context`.
pub(super) async fn within<F: Future>(context: Context, future: F) -> F::Output {
    core::inside(CONTEXT.scope(context, future)).await
}

/// The saga whose body the current code is.
pub(super) fn body() -> Option<Arc<Execution>> {
    let execution = CONTEXT.try_with(|context| match context {
        Context::Body(execution) => Some(Arc::clone(execution)),
        Context::Inner => None,
    });
    execution.ok().flatten()
}

/// Whether the current code is the body of a saga.
pub(super) fn is_body() -> bool {
    CONTEXT
        .try_with(|context| matches!(context, Context::Body(_)))
        .unwrap_or(false)
}
