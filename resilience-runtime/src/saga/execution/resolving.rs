//! Finding out whether a commit happened whose answer was lost.

use super::Execution;
use crate::saga::journal::{Advance, StepRecord};
use crate::saga::ledger::{self, Stop};

/// A step whose own transaction was being committed.
#[derive(Clone)]
pub(super) struct Unresolved {
    pub(super) record: StepRecord,
    pub(super) pivot: bool,
}

impl Execution {
    /// Whether the journal has `record`, which a transaction was to write whose end nobody knows. Asks until it can be
    /// asked.
    pub(in crate::saga) async fn has_committed(&self, record: &StepRecord) -> Result<bool, Stop> {
        // A write of ours stands in line behind the transaction, if that is still alive.
        ledger::write(&self.core, &self.id, self.epoch, Advance::default()).await?;
        let found = ledger::load(&self.core, &self.id).await?;
        Ok(found.is_some_and(|saga| {
            let mut steps = saga.steps.iter();
            steps.any(|step| {
                (step.position, step.outcome) == (record.position, record.outcome)
                    && (step.occurrence, &step.step) == (record.occurrence, &record.step)
            })
        }))
    }

    /// Whether the journal still has the saga under the epoch of this run.
    pub(in crate::saga) async fn is_ours(&self) -> Result<bool, Stop> {
        let found = ledger::load(&self.core, &self.id).await?;
        Ok(found.is_some_and(|saga| saga.epoch == self.epoch))
    }

    /// A commit was cut off in the middle.
    pub(in crate::saga) fn unresolved(&self, record: StepRecord, pivot: bool) {
        let unresolved = Unresolved { record, pivot };
        self.progress().unresolved.push(unresolved);
    }

    /// Finds out what became of commits that were cut off.
    pub(super) async fn resolve(&self) -> Result<(), Stop> {
        loop {
            let next = self.progress().unresolved.last().cloned();
            let Some(Unresolved { record, pivot }) = next else {
                return Ok(());
            };
            let has_committed = self.has_committed(&record).await;
            let mut progress = self.progress();
            progress.unresolved.pop();
            match has_committed {
                Ok(true) => progress.add_durable(record, pivot),
                Ok(false) => {}
                Err(stop) => return Err(progress.stop(stop)),
            }
        }
    }
}
