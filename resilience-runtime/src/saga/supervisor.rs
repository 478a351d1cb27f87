//! Sagas whose callers went away.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ending;
use super::execution::Execution;
use super::journal::Status;
use super::ledger::{self, Stop};
use super::recovery::proceed;
use super::rerun;
use super::reruns::Unfinished;
use crate::core::{Abandoned, Permit};

/// Finishes abandoned sagas until the runtime is gone. There is no bound on how many at once: they
/// ran side by side before their callers went away.
pub(crate) async fn supervise(mut abandoned: mpsc::UnboundedReceiver<Abandoned>) {
    let mut working = JoinSet::new();
    loop {
        tokio::select! {
            saga = abandoned.recv() => match saga {
                Some(saga) => {
                    working.spawn(saga);
                }
                None => break,
            },
            Some(ended) = working.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(target: "resilience", %error, "a saga panicked after its caller went away");
                }
            }
        }
    }
}

/// Finishes a saga whose body was dropped before its end.
pub(super) async fn finish(execution: Arc<Execution>, permit: Permit) {
    // In each case a `Stop` means that somebody else goes on, or the next process.
    match execution.stopped() {
        Some(Stop::Mismatch(difference)) => {
            let _ = ending::park(execution, difference, permit).await;
            return;
        }
        Some(Stop::Superseded | Stop::Unwritten(_)) => return,
        None => {}
    }
    tracing::info!(target: "resilience", saga = execution.saga, saga_id = %execution.id,
        "the caller of a saga went away; the runtime finishes it");
    let _ = go_on(execution, permit).await;
}

async fn go_on(execution: Arc<Execution>, permit: Permit) -> Result<(), Stop> {
    execution.flush().await?;
    // Waits for what else is being written: the next run, which begins with what the journal has now, writes there, too.
    let outstanding = execution.outstanding().await;
    if let Some(stop) = execution.stopped() {
        return Err(stop);
    }
    let core = Arc::clone(&execution.core);
    let Some(record) = ledger::load(&core, &execution.id).await? else {
        return Ok(());
    };
    if (record.status, record.epoch) != (Status::Running, execution.epoch) {
        return Ok(());
    }
    let next = rerun::after(
        &execution,
        Unfinished::CutOff,
        "its caller went away",
        outstanding,
    );
    // Where the runtime shuts down it waits for this saga, which goes on at once.
    let Some(next) = next.await? else {
        return Ok(());
    };
    drop(execution);
    proceed::here(core, record, permit, next.reruns).await;
    Ok(())
}
