//! The tasks of a runtime, which live as long as its handles.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::open::Close;
use crate::core::{Abandoned, Core};
use crate::saga::{recovery, supervisor};

/// The background tasks, and what is left to do after them. The tasks know the [`Core`] only while
/// they work, so that it can go when its handles do.
pub(super) struct Background {
    tasks: Vec<AbortHandle>,
    recovered: watch::Receiver<bool>,
    close: Mutex<Option<Close>>,
    closed: watch::Sender<bool>,
    pub(super) shutdown_timeout: Duration,
}

impl Background {
    pub(super) fn start(
        core: &Arc<Core>,
        abandoned: mpsc::UnboundedReceiver<Abandoned>,
        close: Close,
        shutdown_timeout: Duration,
    ) -> Self {
        let (done, recovered) = watch::channel(core.inspects);
        let mut tasks = vec![tokio::spawn(supervisor::supervise(abandoned)).abort_handle()];
        if !core.inspects {
            let recovery = recovery::recover(Arc::downgrade(core), core.gate.clone(), done);
            tasks.push(tokio::spawn(recovery).abort_handle());
        }
        Self {
            tasks,
            recovered,
            close: Mutex::new(Some(close)),
            closed: watch::Sender::new(false),
            shutdown_timeout,
        }
    }

    /// Resolves after the first round of recovery, or when there will be none.
    pub(super) async fn recovered(&self) {
        let _ = self.recovered.clone().wait_for(|done| *done).await;
    }

    pub(super) fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }

    /// Resolves when the store is closed. Once begun that is done, whoever goes on waiting for it: half closed, the store
    /// would keep its sagas from the other processes.
    pub(super) async fn close_store(&self) {
        let close = self
            .close
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(close) = close {
            let closed = Closed(self.closed.clone());
            tokio::spawn(async move {
                close().await;
                drop(closed);
            });
        }
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Says that the store is closed, also when closing it panicked.
struct Closed(watch::Sender<bool>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}
