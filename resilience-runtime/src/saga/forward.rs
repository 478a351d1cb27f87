//! Sagas that are run again instead of being undone.

use std::sync::Arc;
use std::time::Duration;

use super::drive;
use super::execution::{Execution, Outstanding};
use super::journal::{Parking, Status};
use super::ledger::{self, Stop};
use super::parking::Halted;
use super::recovery::proceed;
use super::reruns::Reruns;
use crate::core::Permit;
use crate::telemetry::sagas;

/// Why a saga that failed is not undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    /// It is past a pivot, or its last failed step is `retriable`.
    NoWayBack,
    /// Nobody waits for it, and a breaker refused its last step: for this long, where that is known.
    Refused {
        /// How long the breaker stays open.
        retry_after: Option<Duration>,
    },
}

/// Runs the saga again from its journal after a pause, without its caller, who waits for its end as for that of a saga of
/// another process. A run that has come by a ticket has no caller, and answers at once.
pub(super) fn later(execution: Arc<Execution>, permit: Permit, why: Later, cause: String) {
    let abandoned = execution.core.abandoned.clone();
    // Without a supervisor the runtime is gone, and the next process takes the saga over.
    let _ = abandoned.send(Box::pin(async move {
        // A stop means that somebody else goes on, or the next process.
        let _ = again(execution, permit, why, cause).await;
    }));
}

async fn again(
    execution: Arc<Execution>,
    permit: Permit,
    why: Later,
    cause: String,
) -> Result<(), Stop> {
    let in_doubt = execution.outstanding().await.in_doubt;
    execution.forget_failures();
    execution.flush().await?;
    let core = Arc::clone(&execution.core);
    let reruns = match execution.progressed() {
        true => Reruns::default(),
        false => execution.reruns,
    };
    let most = core.settings.forward_attempts;
    let next = match why {
        Later::NoWayBack => reruns.failed(most),
        Later::Refused { retry_after } => Some(reruns.refused(retry_after)),
    };
    let Some((reruns, pause)) = next else {
        let reason = format!(
            "there is no way back, and it failed {most} times in a row without getting any further: {cause}"
        );
        // What is in doubt is undone with the rest, should an operator want that.
        let outstanding = Outstanding {
            in_doubt,
            ..Outstanding::default()
        };
        return Halted::run(&execution)
            .park(&core, Parking::Stuck, reason, outstanding)
            .await;
    };
    sagas::run_again(execution.saga);
    tracing::warn!(target: "resilience", saga = execution.saga, saga_id = %execution.id, error = cause, ?pause,
        "a saga failed and is run again, because it cannot be undone or should not be yet");
    let (id, epoch, name) = (execution.id.clone(), execution.epoch, execution.saga);
    {
        let _signal = core.signals.enter(&execution);
        tokio::select! {
            biased;
            // A shutdown does not wait for pauses: the next process goes on.
            () = core.gate.closed() => return Ok(()),
            // It is undone then, and that does not wait for them either.
            _ = drive::halted(&execution) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    drop(execution);
    let slot = core.slots.enter(name).await;
    let Some(record) = ledger::load(&core, &id).await? else {
        return Ok(());
    };
    if (record.status, record.epoch) == (Status::Running, epoch) {
        slot.during(proceed::here(core, record, permit, reruns))
            .await;
    }
    Ok(())
}
