//! Sagas that nobody runs, and that a person parks.

use super::super::journal::{
    Park, ParkOutcome, SagaId, SagaRecord, Status, StepOutcome, StepRecord,
};
use super::super::{letter, step_name};
use crate::core::Core;
use crate::dlq::{self, DeadLetterFilter, NewDeadLetter};
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
    // Each further round means that somebody else has changed the saga in between.
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

/// The letter of a saga; `None` where it has one that is about its undoing: that one says what failed.
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
    let there = dlq::first_of(queue, &record.id, DeadLetterFilter::unresolved());
    if there.await?.is_some() {
        return Ok(None);
    }
    let to_undo = record.steps.iter().filter(|step| is_to_undo(step));
    Ok(Some(match to_undo.max_by_key(|step| step.position) {
        Some(next) => letter::of_step(core, next, reason, attempts),
        None => of_saga(reason),
    }))
}

/// As the journal alone says it: here the code need not be known.
fn is_to_undo(step: &StepRecord) -> bool {
    let has_compensation =
        step.compensation.is_some() || step_name::called_saga(&step.step).is_some();
    !step.undone && step.outcome != StepOutcome::Failed && has_compensation
}

fn parked(core: &Core, record: &SagaRecord, letter: i64, by: &Operator) {
    tracing::warn!(target: "resilience", saga = record.name, saga_id = %record.id, letter, %by,
        "an operator has parked a saga that no process runs");
    if let Some(entry) = core.catalog.saga(&record.name, record.version) {
        let status = match record.status {
            Status::Running => Status::Parked,
            _ => Status::CompensationFailed,
        };
        let started = sagas::started(record.started_at, record.read_at);
        sagas::letter(entry.saga.name);
        sagas::ended(entry.saga.name, status, started);
    }
    core.endings.announce(&record.id);
}
