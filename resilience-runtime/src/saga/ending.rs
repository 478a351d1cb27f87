//! The three ends of a saga's body: it is completed, to be undone, or parked.

use std::sync::Arc;

use super::compensation::{self, Undoing, Undone};
use super::execution::{Execution, Outstanding};
use super::journal::{Advance, Event, Parking, SettledLetters, Status, StepRecord};
use super::ledger::{self, Stop};
use super::parking::ToPark;
use crate::core::Permit;
use crate::telemetry::sagas;

/// The body returned `Ok`: the last step and the end are one write.
pub(super) async fn complete(
    execution: Arc<Execution>,
    output: String,
    permit: Permit,
) -> Result<(), Stop> {
    let outstanding = execution.outstanding().await;
    let advance = Advance {
        steps: outstanding.unwritten,
        pivots: outstanding.pivots,
        status: Status::Running.after(Event::Succeeded),
        output: Some(output),
        settles: settles(&execution),
        ..Advance::default()
    };
    write(&execution, advance).await?;
    drop(permit);
    sagas::ended(execution.saga, Status::Completed, execution.started);
    execution.core.endings.announce(&execution.id);
    Ok(())
}

/// How a saga ended that failed.
pub(super) struct Failed {
    pub(super) undone: Undone,
    /// Whether there was something to undo.
    pub(super) had_work: bool,
}

/// The body failed: the decision to undo is one write, and is durable before anything is undone. `failure` is its error as
/// JSON, where it has a form.
pub(super) async fn fail(
    execution: Arc<Execution>,
    cause: String,
    failure: Option<String>,
    permit: Permit,
) -> Failed {
    let mut outstanding = execution.outstanding().await;
    let left = std::mem::take(&mut outstanding.left);
    let core = &execution.core;
    let known = outstanding.finished.iter().chain(&outstanding.in_doubt);
    let undoable = |step: &StepRecord| compensation::has_compensation(core, step);
    let steps: Vec<StepRecord> = known.filter(|step| undoable(step)).cloned().collect();
    let status = match steps.is_empty() {
        true => Status::Running.after(Event::FailedEmpty),
        false => Status::Running.after(Event::Failed),
    };
    let advance = Advance {
        pivots: outstanding.pivots,
        steps: unwritten(outstanding),
        status,
        error: Some(cause.clone()),
        failure,
        settles: match steps.is_empty() {
            true => settles(&execution),
            false => SettledLetters::Nothing,
        },
        ..Advance::default()
    };
    let had_work = !steps.is_empty();
    let left = left.iter().filter(|step| {
        let entry = core.catalog.step(step);
        entry.is_some_and(|entry| entry.compensate.is_some())
    });
    for step in left {
        tracing::warn!(target: "resilience", saga = execution.saga, saga_id = %execution.id, step,
            "a step may have had its effect, and is not undone: it was cut off, and does not say `in_doubt = compensate`");
    }
    if let Err(stop) = write(&execution, advance).await {
        let undone = Undone::Stopped(stop);
        return Failed { undone, had_work };
    }
    say(&execution, &cause, steps.len());
    let undone = if steps.is_empty() {
        sagas::ended(execution.saga, Status::Failed, execution.started);
        core.endings.announce(&execution.id);
        Undone::Compensated
    } else {
        let saga = Undoing::after(&execution, steps, cause);
        compensation::undo(core, saga).await
    };
    drop(permit);
    Failed { undone, had_work }
}

/// A saga that is undone is worth a line; one that had done nothing is its caller's business.
fn say(execution: &Execution, cause: &str, steps: usize) {
    if steps == 0 {
        tracing::debug!(target: "resilience", saga = execution.saga, saga_id = %execution.id, error = cause,
            "a saga failed, and there is nothing to undo");
    } else {
        tracing::info!(target: "resilience", saga = execution.saga, saga_id = %execution.id, error = cause, steps,
            "a saga failed, and is undone");
    }
}

/// The saga cannot go on, and nobody but an operator can say whether to undo it.
pub(super) async fn park(
    execution: Arc<Execution>,
    difference: String,
    permit: Permit,
) -> Result<(), Stop> {
    let outstanding = execution.outstanding().await;
    let saga = ToPark::after_run(&execution);
    saga.park(&execution.core, Parking::Mismatch, difference, outstanding)
        .await?;
    drop(permit);
    Ok(())
}

/// A saga that ends has no letters any more: there are some if it was parked before, which needs another owner.
fn settles(execution: &Execution) -> SettledLetters {
    match execution.epoch {
        ..=1 => SettledLetters::Nothing,
        _ => SettledLetters::All,
    }
}

/// Everything that may have to be undone and is not in the journal.
pub(super) fn unwritten(outstanding: Outstanding) -> Vec<StepRecord> {
    let mut steps = outstanding.unwritten;
    steps.extend(outstanding.in_doubt);
    steps.sort_unstable_by_key(|step| step.position);
    steps
}

async fn write(execution: &Execution, advance: Advance) -> Result<(), Stop> {
    ledger::write(&execution.core, &execution.id, execution.epoch, advance).await
}
