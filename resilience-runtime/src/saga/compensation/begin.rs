//! The decision to undo a saga whose body does not run.

use std::sync::Arc;

use super::{Undoing, Undone, has_compensation, undo};
use crate::core::Core;
use crate::saga::journal::{Advance, Event, SagaRecord, Settles, Status};
use crate::saga::ledger;
use crate::telemetry::sagas;

/// Undoes a saga that is running, for this reason. The decision is durable before anything is undone.
pub(in crate::saga) async fn begin(
    core: &Arc<Core>,
    mut record: SagaRecord,
    cause: String,
) -> Undone {
    let mut steps = record.steps.iter();
    let event = match steps.any(|step| !step.undone && has_compensation(core, step)) {
        true => Event::Failed,
        false => Event::FailedEmpty,
    };
    let is_over = event == Event::FailedEmpty;
    let advance = Advance {
        status: Status::Running.after(event),
        error: Some(cause.clone()),
        // It may have been parked before.
        settles: if is_over {
            Settles::All
        } else {
            Settles::Nothing
        },
        ..Advance::default()
    };
    if let Err(stop) = ledger::write(core, &record.id, record.epoch, advance).await {
        return Undone::Stopped(stop);
    }
    if is_over {
        core.endings.announce(&record.id);
        let started = sagas::started(record.started_at, record.read_at);
        if let Some(entry) = core.catalog.saga(&record.name, record.version) {
            sagas::ended(entry.saga.name, Status::Failed, started);
        }
        return Undone::Compensated;
    }
    record.error = Some(cause);
    undo(core, Undoing::of(core, record)).await
}
