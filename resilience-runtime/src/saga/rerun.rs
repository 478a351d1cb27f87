//! From one run of a saga's body to the next one in this process.

use std::sync::Arc;

use super::drive;
use super::execution::{Execution, Outstanding};
use super::journal::Parking;
use super::ledger::Stop;
use super::parking::ToPark;
use super::reruns::{Reruns, Unfinished};
use crate::telemetry::sagas;

/// The next run.
pub(super) struct Next {
    pub(super) reruns: Reruns,
    /// The pause was cut short, because the runtime shuts down.
    pub(super) closing: bool,
}

/// Pauses before the next run, after one that has ended in this way; `None` when there were too many that got no further: the saga
/// is parked then, with what this run has `outstanding`.
pub(super) async fn after(
    execution: &Arc<Execution>,
    ended: Unfinished,
    cause: &str,
    outstanding: Outstanding,
) -> Result<Option<Next>, Stop> {
    let core = &execution.core;
    let before = match execution.progressed() {
        true => Reruns::default(),
        false => execution.reruns,
    };
    let most = core.settings.forward_attempts;
    let Some((reruns, pause)) = before.after(ended, most) else {
        // What is in doubt is undone with the rest, should an operator want that.
        let reason = ended.for_good(most, cause);
        let saga = ToPark::after_run(execution);
        saga.park(core, Parking::Stuck, reason, outstanding).await?;
        return Ok(None);
    };
    if ended != Unfinished::CutOff {
        sagas::run_again(execution.saga);
        tracing::warn!(target: "resilience", saga = execution.saga, saga_id = %execution.id, error = cause, ?pause,
            "a saga failed and is run again, because it cannot be undone or should not be yet");
    }
    let _entered = core.running.enter(execution);
    let closing = tokio::select! {
        biased;
        () = core.gate.closed() => true,
        // It is undone then, and that does not wait for pauses.
        _ = drive::halted(execution) => false,
        () = tokio::time::sleep(pause) => false,
    };
    Ok(Some(Next { reruns, closing }))
}
