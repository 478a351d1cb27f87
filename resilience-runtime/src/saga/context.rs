//! What a task knows about the saga that it works on.

use std::sync::{Arc, Mutex, PoisonError};

use super::abandon::Running;
use super::execution::Execution;

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
    static TICKET: Ticket;
}

/// Runs `future` at `context`.
pub(super) async fn within<F: Future>(context: Context, future: F) -> F::Output {
    CONTEXT.scope(context, future).await
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

/// Whether the current code is part of a saga at all.
pub(crate) fn is_inside() -> bool {
    CONTEXT.try_with(|_| ()).is_ok()
}

/// A saga that is in the journal already, for the call of its function that resumes it.
#[derive(Clone)]
pub(super) struct Ticket(Arc<Mutex<Option<Running>>>);

impl Ticket {
    pub(super) fn new(running: Running) -> Self {
        Self(Arc::new(Mutex::new(Some(running))))
    }

    /// Runs `call`, whose first saga of the ticket's name continues the ticket's saga.
    pub(super) async fn present<F: Future>(&self, call: F) -> F::Output {
        TICKET.scope(self.clone(), call).await
    }

    /// Puts back what [`Ticket::take`] took.
    pub(super) fn put(&self, running: Running) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
    }

    /// The arguments of the saga, unless a call took it.
    pub(super) fn input(&self) -> Option<String> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let execution = running.as_ref()?.execution()?;
        Some(execution.input.clone())
    }

    /// The saga, if no call took it.
    pub(super) fn take(&self) -> Option<Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The saga of this name that the current call is to continue.
    pub(super) fn take_for(saga: &'static str) -> Option<Running> {
        let running = TICKET.try_with(|ticket| {
            let mut running = ticket.0.lock().unwrap_or_else(PoisonError::into_inner);
            running.take_if(|running| running.saga() == Some(saga))
        });
        running.ok().flatten()
    }
}
