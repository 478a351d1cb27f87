//! Sagas that are run again instead of being undone.

use std::sync::Arc;

use super::execution::{Execution, Outstanding};
use super::journal::Status;
use super::ledger::{self, Stop};
use super::recovery::proceed;
use super::rerun;
use super::reruns::Unfinished;
use crate::core::Permit;

/// Runs the saga again from its journal after a pause, without its caller, who waits for its end as for that of a saga of
/// another process. A run that has come by a ticket has no caller, and answers at once.
pub(super) fn later(execution: Arc<Execution>, permit: Permit, why: Unfinished, cause: String) {
    let core = Arc::clone(&execution.core);
    core.supervise(Box::pin(async move {
        // A stop means that somebody else goes on, or the next process.
        let _ = again(execution, permit, why, cause).await;
    }));
}

async fn again(
    execution: Arc<Execution>,
    permit: Permit,
    why: Unfinished,
    cause: String,
) -> Result<(), Stop> {
    // The write below has the rest.
    let outstanding = Outstanding {
        in_doubt: execution.outstanding().await.in_doubt,
        ..Outstanding::default()
    };
    execution.forget_failures();
    execution.flush().await?;
    let Some(next) = rerun::after(&execution, why, &cause, outstanding).await? else {
        return Ok(());
    };
    if next.closing {
        // A shutdown does not wait for what cannot come to an end: the next process goes on.
        return Ok(());
    }
    let core = Arc::clone(&execution.core);
    let (id, epoch, name) = (execution.id.clone(), execution.epoch, execution.saga);
    drop(execution);
    let slot = core.slots.enter(name).await;
    let Some(record) = ledger::load(&core, &id).await? else {
        return Ok(());
    };
    if (record.status, record.epoch) == (Status::Running, epoch) {
        slot.during(proceed::here(core, record, permit, next.reruns))
            .await;
    }
    Ok(())
}
