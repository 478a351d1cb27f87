//! Sagas that cannot go on, and of which only an operator can say what is to become of them.

pub(super) mod by_operator;

use std::sync::Arc;

use tokio::time::Instant;

use super::ending::unwritten;
use super::execution::{Execution, Outstanding};
use super::journal::{Advance, Event, Parking, SagaId, SagaRecord, Status};
use super::ledger::{self, Stop};
use super::letter;
use crate::core::Core;
use crate::telemetry::sagas;

/// A saga that is running, and is to be parked.
pub(super) struct ToPark<'a> {
    id: &'a SagaId,
    epoch: i64,
    name: &'a str,
    version: u32,
    input: &'a str,
    started: Instant,
    /// How often it was tried.
    attempts: u32,
}

impl<'a> ToPark<'a> {
    pub(super) fn after_run(execution: &'a Execution) -> Self {
        Self {
            id: &execution.id,
            epoch: execution.epoch,
            name: execution.saga,
            version: execution.options.version,
            input: &execution.input,
            started: execution.started,
            attempts: execution.reruns.runs().saturating_add(1),
        }
    }

    pub(super) fn of_record(record: &'a SagaRecord) -> Self {
        Self {
            id: &record.id,
            epoch: record.epoch,
            name: &record.name,
            version: record.version,
            input: &record.input,
            started: sagas::started(record.started_at, record.read_at),
            attempts: record.interruptions,
        }
    }

    /// Parks it with a letter, and with what its last run has left to write.
    pub(super) async fn park(
        self,
        core: &Arc<Core>,
        parking: Parking,
        reason: String,
        outstanding: Outstanding,
    ) -> Result<(), Stop> {
        tracing::error!(target: "resilience", saga = self.name, saga_id = %self.id, parking = parking.as_str(), reason,
            "the saga cannot go on and waits in the dead letter queue"
        );
        let letter = letter::of_saga(core, self.name, self.input, reason.clone(), self.attempts);
        let advance = Advance {
            pivots: outstanding.pivots,
            steps: unwritten(outstanding),
            status: Status::Running.after(Event::Parked),
            parking: Some(parking),
            error: Some(reason),
            dead_letter: Some(letter),
            ..Advance::default()
        };
        ledger::write(core, self.id, self.epoch, advance).await?;
        if let Some(entry) = core.catalog.saga(self.name, self.version) {
            sagas::letter(entry.saga.name);
            sagas::ended(entry.saga.name, Status::Parked, self.started);
        }
        core.endings.announce(self.id);
        Ok(())
    }
}
