//! Undoing finished steps, newest first.

mod attempts;
mod call;
mod undoable;

use std::sync::Arc;

use tokio::time::Instant;

use super::execution::Execution;
use super::journal::{Advance, Event, SagaId, SagaRecord, SettledLetters, Status, StepRecord};
use super::ledger::{self, Stop};
use super::letter;
use super::options::{OnDead, Saga};
use crate::core::Core;
use crate::telemetry::sagas;
use attempts::Failure;

pub(super) use undoable::has_compensation;

/// A saga whose decision to undo is durable.
pub(crate) struct Undoing {
    id: SagaId,
    epoch: i64,
    /// What it was told, as far as this program knows it.
    saga: Option<Saga>,
    /// Its steps, in any order.
    steps: Vec<StepRecord>,
    /// Why it is undone.
    cause: String,
    /// When it was started, by the clock of this process.
    started: Instant,
    /// How often it may have been begun to undo it before.
    before: u32,
}

impl Undoing {
    /// What the journal says is to be undone.
    pub(crate) fn of(core: &Core, record: SagaRecord) -> Self {
        let entry = core.catalog.saga(&record.name, record.version);
        Self {
            saga: entry.map(|entry| entry.saga),
            started: sagas::started(record.started_at, record.read_at),
            before: match record.epoch {
                ..=1 => 0,
                _ => record.interruptions.max(1),
            },
            id: record.id,
            epoch: record.epoch,
            steps: record.steps,
            cause: record.error.unwrap_or_default(),
        }
    }

    /// What a run of its body has left.
    pub(super) fn after(execution: &Execution, steps: Vec<StepRecord>, cause: String) -> Self {
        Self {
            id: execution.id.clone(),
            epoch: execution.epoch,
            saga: Some(execution.options),
            steps,
            cause,
            started: execution.started,
            before: 0,
        }
    }

    /// Nobody has begun to undo it before.
    pub(super) fn for_the_first_time(self) -> Self {
        Self { before: 0, ..self }
    }
}

/// How undoing ended.
#[derive(Debug)]
pub(crate) enum Undone {
    /// Everything is undone, and the journal says so.
    Compensated,
    /// The compensation of this step failed for good. It and the steps before it are left, or, with
    /// [`OnDead::Continue`], it and others that failed.
    Stuck {
        /// The step, the first one that failed.
        step: String,
        /// The text of the last error.
        error: String,
    },
    /// Somebody else has to go on.
    Stopped(Stop),
}

/// Undoes what is not undone yet, each step in the journal before the next is touched.
pub(crate) async fn undo(core: &Arc<Core>, saga: Undoing) -> Undone {
    match saga.undo(core).await {
        Ok(undone) => {
            core.endings.announce(&saga.id);
            if matches!(undone, Undone::Compensated) {
                tracing::debug!(target: "resilience", saga_id = %saga.id, "a saga is undone");
            }
            undone
        }
        Err(stop) => Undone::Stopped(stop),
    }
}

/// It was interrupted again and again while it was being undone: what is next may be what kills its processes, and
/// waits for an operator.
pub(super) async fn give_up(core: &Arc<Core>, saga: Undoing, error: String) -> Undone {
    let step = match undoable::of(core, &saga).await.map(|mut steps| steps.pop()) {
        Ok(Some(step)) => step,
        Ok(None) => return undo(core, saga).await,
        Err(stop) => return Undone::Stopped(stop),
    };
    let failure = Failure { attempts: 0, error };
    match saga.step_stuck(core, &step, &failure, true).await {
        Ok(()) => {
            core.endings.announce(&saga.id);
            stuck(step, failure)
        }
        Err(stop) => Undone::Stopped(stop),
    }
}

fn stuck(step: StepRecord, failure: Failure) -> Undone {
    Undone::Stuck {
        step: step.step,
        error: failure.error,
    }
}

impl Undoing {
    async fn undo(&self, core: &Arc<Core>) -> Result<Undone, Stop> {
        let mut steps = undoable::of(core, self).await?;
        let mut first_stuck = None;
        if steps.is_empty() {
            self.step_undone(core, None, Some(Event::Undone)).await?;
        }
        let mut before = self.before;
        while let Some(step) = steps.pop() {
            let is_last = steps.is_empty();
            let compensated = attempts::compensate(core, self, &step, before).await?;
            // They are undone one after the other: whoever was interrupted had not come to the next one, unless failures
            // did not hold him up.
            if self.on_dead() == OnDead::Stop {
                before = 0;
            }
            match compensated {
                Ok(()) => {
                    let end = match first_stuck {
                        None => Event::Undone,
                        Some(_) => Event::CompensationFailed,
                    };
                    self.step_undone(core, Some(step.position), is_last.then_some(end))
                        .await?;
                }
                Err(failure) => {
                    let ends = is_last || self.on_dead() == OnDead::Stop;
                    self.step_stuck(core, &step, &failure, ends).await?;
                    first_stuck.get_or_insert_with(|| stuck(step, failure));
                    if ends {
                        break;
                    }
                }
            }
        }
        Ok(first_stuck.unwrap_or(Undone::Compensated))
    }

    fn on_dead(&self) -> OnDead {
        self.saga.map_or(OnDead::Stop, |saga| saga.on_dead)
    }

    /// The step is undone, and with `end` the saga is at its end.
    async fn step_undone(
        &self,
        core: &Core,
        position: Option<u32>,
        end: Option<Event>,
    ) -> Result<(), Stop> {
        // There are letters if an operator's retry brought us here, in this process or in one that died since.
        let settles = match (position, end) {
            (_, Some(Event::Undone)) => SettledLetters::All,
            (Some(position), _) => SettledLetters::Step(position),
            (None, _) => SettledLetters::Nothing,
        };
        let advance = Advance {
            undone: position,
            settles,
            ..self.ending(end)
        };
        self.write(core, advance).await
    }

    /// The step could not be undone, and with `ends` those before it wait with it.
    async fn step_stuck(
        &self,
        core: &Core,
        step: &StepRecord,
        failure: &Failure,
        ends: bool,
    ) -> Result<(), Stop> {
        tracing::error!(target: "resilience", saga_id = %self.id, step = step.step, error = failure.error,
            "a compensation failed for good and waits in the dead letter queue{}",
            if ends { ", and those of the steps before it with it" } else { "" }
        );
        let letter = letter::of_step(core, step, failure.error.clone(), failure.attempts);
        let advance = Advance {
            dead_letter: Some(letter),
            ..self.ending(ends.then_some(Event::CompensationFailed))
        };
        self.write(core, advance).await?;
        let entry = core.catalog.step(&step.step);
        sagas::letter(entry.map_or("unknown", |entry| entry.step.name));
        Ok(())
    }

    fn ending(&self, end: Option<Event>) -> Advance {
        Advance {
            status: end.and_then(|event| Status::Compensating.after(event)),
            error: end.map(|_| self.cause.clone()),
            ..Advance::default()
        }
    }

    async fn write(&self, core: &Core, advance: Advance) -> Result<(), Stop> {
        let end = advance.status;
        ledger::write(core, &self.id, self.epoch, advance).await?;
        if let (Some(status), Some(saga)) = (end, self.saga) {
            sagas::ended(saga.name, status, self.started);
        }
        Ok(())
    }
}
