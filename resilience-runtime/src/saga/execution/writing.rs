//! Bringing what came out into the journal.

use std::sync::Arc;

use super::Execution;
use super::records::Batch;
use crate::saga::journal::{Advance, StepOutcome, StepRecord};
use crate::saga::ledger::{self, Stop};

/// What a saga comes to when its body has ended.
#[derive(Default)]
pub(in crate::saga) struct Outstanding {
    /// What came out and is not in the journal, without what is in `in_doubt`.
    pub(in crate::saga) unwritten: Vec<StepRecord>,
    /// Steps in doubt that have to be undone and are not in the journal.
    pub(in crate::saga) in_doubt: Vec<StepRecord>,
    /// Every step that is done, and those in doubt that have to be undone and are in the journal.
    pub(in crate::saga) finished: Vec<StepRecord>,
    /// Whether there is a pivot in `unwritten`.
    pub(in crate::saga) pivots: bool,
    /// The names of steps that may have had their effect, and are not undone.
    pub(in crate::saga) left: Vec<String>,
}

impl Execution {
    /// Makes the value of every step that is done durable.
    pub(in crate::saga) async fn flush(self: &Arc<Self>) -> Result<(), Stop> {
        self.resolve().await?;
        let target = self.progress().records.values();
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut progress = self.progress();
                if let Some(stop) = &progress.stop {
                    return Err(stop.clone());
                }
                if progress.records.are_durable(target) {
                    return Ok(());
                }
            }
            self.write_more();
            changed.await;
        }
    }

    /// Begins a write of all that came out, unless one is under way.
    ///
    /// Steps that run side by side share a write: one starts it, in a task of its own, so that it
    /// goes on when the step that started it is not polled any more; all wait for it.
    pub(in crate::saga) fn write_more(self: &Arc<Self>) {
        let batch = self.progress().records.take_batch();
        if let Some(batch) = batch {
            tokio::spawn(Arc::clone(self).write(batch));
        }
    }

    /// Whether the value of a step is in no write that is under way.
    pub(in crate::saga) fn is_behind(&self) -> bool {
        let progress = self.progress();
        progress.stop.is_none() && progress.records.is_behind()
    }

    async fn write(self: Arc<Self>, batch: Batch) {
        // However this task ends, those who wait for it are told.
        let mut writing = Writing {
            execution: &self,
            written: Err(Stop::Unwritten("the write was cut off".to_owned())),
        };
        let advance = Advance {
            steps: batch.steps,
            pivots: batch.pivots,
            ..Advance::default()
        };
        let written = ledger::advance(&self.core, &self.id, self.epoch, advance).await;
        if written == Ok(true) {
            self.cancel();
        }
        writing.written = written.map(drop);
    }

    /// What is left to write once the body has ended and no write is under way.
    pub(in crate::saga) async fn outstanding(&self) -> Outstanding {
        // Where it cannot be found out, the write of the end says so, too.
        let _ = self.resolve().await;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let progress = self.progress();
                let records = &progress.records;
                if !records.is_writing() {
                    let (unwritten, pivots) = records.unwritten();
                    let (in_doubt, unwritten): (Vec<_>, Vec<_>) =
                        unwritten.into_iter().partition(is_to_undo_in_doubt);
                    let known = |step: &&StepRecord| match step.outcome {
                        StepOutcome::Done => true,
                        StepOutcome::Failed => false,
                        StepOutcome::InDoubt => {
                            let at = |other: &StepRecord| other.position == step.position;
                            is_to_undo_in_doubt(step) && !in_doubt.iter().any(at)
                        }
                    };
                    let finished = records.iter().filter(known).cloned().collect();
                    let doubtful = |step: &&StepRecord| {
                        step.outcome == StepOutcome::InDoubt && !is_to_undo_in_doubt(step)
                    };
                    let left = records.iter().filter(doubtful);
                    let left = left.map(|step| step.step.clone());
                    return Outstanding {
                        left: left.chain(progress.doubtful.iter().cloned()).collect(),
                        finished,
                        unwritten,
                        in_doubt,
                        pivots,
                    };
                }
            }
            changed.await;
        }
    }
}

fn is_to_undo_in_doubt(step: &StepRecord) -> bool {
    step.outcome == StepOutcome::InDoubt && step.compensation.is_some()
}

/// A write of steps, whose end is noted however it comes.
struct Writing<'a> {
    execution: &'a Execution,
    written: Result<(), Stop>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut progress = self.execution.progress();
        progress.records.written(self.written.is_ok());
        if let Err(stop) = std::mem::replace(&mut self.written, Ok(())) {
            progress.stop(stop);
        }
        drop(progress);
        self.execution.announce();
    }
}
