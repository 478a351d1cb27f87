//! Parking a saga that no process runs, because an operator says so.

use super::super::journal::{
    Park, ParkOutcome, SagaId, SagaRecord, Status, StepOutcome, StepRecord,
};
use super::super::{letter, step_name};
use crate::core::Core;
use crate::dlq::{self, DeadLetterFilter, DeadLetterId, NewDeadLetter};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::telemetry::sagas;

/// Parks a saga that no live process has.
pub(in crate::saga) async fn park(
    core: &Core,
    id: &SagaId,
    by: Operator,
) -> Result<ParkOutcome, StoreError> {
    let journal = &core.stores.journal;
    // A further round means that somebody else has changed the saga since it was read.
    loop {
        let Some(record) = journal.load(id.clone()).await? else {
            return Ok(ParkOutcome::NotFound);
        };
        if !record.status.is_unfinished() {
            return Ok(ParkOutcome::NotUnfinished(record.status));
        }
        let reason = reason(&by);
        let park = Park {
            epoch: record.epoch,
            status: record.status,
            dead_letter: dead_letter(core, &record, &reason).await?,
            reason,
        };
        let outcome = journal.park(id.clone(), park, by.clone()).await?;
        match outcome {
            None => {}
            Some(ParkOutcome::Parked(letter)) => {
                parked(core, &record, letter, &by);
                return Ok(ParkOutcome::Parked(letter));
            }
            Some(otherwise) => return Ok(otherwise),
        }
    }
}

fn reason(by: &Operator) -> String {
    match by.reason.as_deref() {
        None | Some("") => format!("parked by {}", by.name),
        Some(_) => format!("parked by {by}"),
    }
}

/// The letter; `None` where the saga was being undone and has one already, which says what failed.
async fn dead_letter(
    core: &Core,
    record: &SagaRecord,
    reason: &str,
) -> Result<Option<NewDeadLetter>, StoreError> {
    let (reason, attempts) = (reason.to_owned(), record.interruptions);
    let of_saga = |reason| letter::of_saga(core, &record.name, &record.input, reason, attempts);
    if record.status == Status::Running {
        return Ok(Some(of_saga(reason)));
    }
    let queue = &*core.stores.queue;
    let unresolved = dlq::first_of(queue, &record.id, DeadLetterFilter::unresolved());
    if unresolved.await?.is_some() {
        return Ok(None);
    }
    let to_undo = record.steps.iter().filter(|step| is_to_undo(step));
    Ok(Some(match to_undo.max_by_key(|step| step.position) {
        Some(next) => letter::of_step(core, next, reason, attempts),
        None => of_saga(reason),
    }))
}

/// As far as the journal says, because the code may be missing. `resilience_saga_park` of PostgreSQL decides alike.
fn is_to_undo(step: &StepRecord) -> bool {
    let has_compensation =
        step.compensation.is_some() || step_name::called_saga(&step.step).is_some();
    !step.undone && step.outcome != StepOutcome::Failed && has_compensation
}

/// Tells whoever watches or waits; `record` is how the saga was before.
fn parked(core: &Core, record: &SagaRecord, letter: DeadLetterId, by: &Operator) {
    tracing::warn!(target: "resilience", saga = record.name, saga_id = %record.id, letter, %by,
        "an operator has parked a saga that no process runs");
    let entry = core.catalog.saga(&record.name, record.version);
    if let (Some(entry), Some(status)) = (entry, Park::status_after(record.status)) {
        let started = sagas::started(record.started_at, record.read_at);
        sagas::letter(entry.saga.name);
        sagas::ended(entry.saga.name, status, started);
    }
    core.endings.announce(&record.id);
}
