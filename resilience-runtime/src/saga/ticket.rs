//! How the call that resumes a saga finds it.

use std::sync::{Arc, Mutex, PoisonError};

use super::abandon::Running;

tokio::task_local! {
    static TICKET: Ticket;
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
