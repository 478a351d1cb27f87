//! Undoing finished steps, newest first.

use std::sync::Arc;
use std::time::Duration;

use super::caught::Caught;
use super::context::{self, Context};
use super::journal::{Advance, Event, SagaId, SagaRecord, Settles, Status, StepRecord};
use super::ledger::{self, Stop};
use crate::arguments::JournaledArguments;
use crate::core::{Core, SCOPED};
use crate::dlq::{Kind, NewDeadLetter, Priority};
use crate::pauses::Pauses;
use crate::registry::{Compensate, CompensationError, JournaledCall};

/// How often a compensation is tried.
const ATTEMPTS: u32 = 3;
/// How long one attempt may take. One that hangs would keep its saga, and everybody who waits for
/// it, for ever.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two attempts.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(200), Duration::from_secs(1));

/// A saga whose decision to undo is durable.
pub(crate) struct Undoing {
    pub(crate) id: SagaId,
    pub(crate) epoch: i64,
    /// Its steps, in any order.
    pub(crate) steps: Vec<StepRecord>,
    /// Why it is undone.
    pub(crate) cause: String,
}

impl Undoing {
    /// What the journal says is to be undone.
    pub(crate) fn of(record: SagaRecord) -> Self {
        Self {
            id: record.id,
            epoch: record.epoch,
            steps: record.steps,
            cause: record.error.unwrap_or_default(),
        }
    }
}

/// How undoing ended.
#[derive(Debug)]
pub(crate) enum Undone {
    /// Everything is undone, and the journal says so.
    Compensated,
    /// The compensation of this step failed for good. It and the steps before it are left.
    Stuck {
        /// The step.
        step: String,
        /// The text of the last error.
        error: String,
    },
    /// Somebody else has to go on.
    Stopped(Stop),
}

/// Undoes what is not undone yet, each step in the journal before the next is touched.
pub(crate) async fn undo(core: &Arc<Core>, mut saga: Undoing) -> Undone {
    let mut steps = std::mem::take(&mut saga.steps);
    steps.retain(|step| !step.undone && has_compensation(core, step));
    steps.sort_unstable_by_key(|step| step.position);
    let mut written = Ok(());
    if steps.is_empty() {
        written = saga.compensated(core, None).await;
    }
    while let (Some(step), Ok(())) = (steps.pop(), &written) {
        if let Err((attempts, error)) = compensate(core, &saga.id, &step).await {
            return saga.stuck(core, step, attempts, error).await;
        }
        written = match steps.is_empty() {
            true => saga.compensated(core, Some(step.position)).await,
            false => saga.undone(core, step.position).await,
        };
    }
    match written {
        Ok(()) => {
            core.endings.announce(&saga.id);
            Undone::Compensated
        }
        Err(stop) => Undone::Stopped(stop),
    }
}

/// Whether there is something to call for this step. A step that this program does not know
/// counts: nobody can say that it needs nothing.
pub(super) fn has_compensation(core: &Core, step: &StepRecord) -> bool {
    let entry = core.catalog.step(&step.step);
    entry.is_none_or(|entry| entry.compensate.is_some())
}

impl Undoing {
    async fn undone(&self, core: &Core, position: u32) -> Result<(), Stop> {
        let advance = Advance {
            undone: Some(position),
            ..Advance::default()
        };
        ledger::write(core, &self.id, self.epoch, advance).await
    }

    async fn compensated(&self, core: &Core, last: Option<u32>) -> Result<(), Stop> {
        let advance = Advance {
            undone: last,
            status: Status::Compensating.after(Event::Undone),
            // There is one if an operator's retry brought us here, in this process or in one
            // that died since.
            settles: Settles::All,
            ..Advance::default()
        };
        ledger::write(core, &self.id, self.epoch, advance).await
    }

    async fn stuck(&self, core: &Core, step: StepRecord, attempts: u32, error: String) -> Undone {
        tracing::error!(target: "resilience", saga_id = %self.id, step = step.step, %error,
            "a compensation failed for good: it and those of the steps before it wait in the \
             dead letter queue"
        );
        let advance = Advance {
            status: Status::Compensating.after(Event::CompensationFailed),
            error: Some(self.cause.clone()),
            dead_letter: Some(NewDeadLetter {
                kind: Kind::Compensation,
                operation: step.step.clone(),
                dependency: None,
                priority: Priority::High,
                position: Some(step.position),
                arguments: step.arguments,
                output: step.output,
                error: error.clone(),
                // The store adds those of earlier rounds.
                attempts,
            }),
            ..Advance::default()
        };
        match ledger::write(core, &self.id, self.epoch, advance).await {
            Ok(()) => {
                core.endings.announce(&self.id);
                Undone::Stuck {
                    step: step.step,
                    error,
                }
            }
            Err(stop) => Undone::Stopped(stop),
        }
    }
}

/// Calls the compensation of `step` until it succeeds; else how often it was called, and its last
/// error.
async fn compensate(core: &Arc<Core>, id: &SagaId, step: &StepRecord) -> Result<(), (u32, String)> {
    let unknown = || {
        (
            0,
            format!("no saga step `{}` is linked into this program", step.step),
        )
    };
    let entry = core.catalog.step(&step.step).ok_or_else(unknown)?;
    let Some(compensation) = entry.compensate else {
        return Ok(());
    };
    let mut pauses = PAUSES;
    let mut attempt = 1;
    loop {
        let error = match call(core, id, entry.step.name, compensation, step).await {
            Ok(()) => return Ok(()),
            // It will not become callable by waiting.
            Err(CompensationError::NotCalled(error)) => {
                return Err((attempt - 1, error.to_string()));
            }
            Err(CompensationError::Failed(error)) => error,
        };
        if attempt == ATTEMPTS {
            return Err((attempt, error));
        }
        tracing::warn!(target: "resilience", saga_id = %id, step = entry.step.name, attempt, %error,
            "a compensation failed and is tried again"
        );
        tokio::time::sleep(pauses.next()).await;
        attempt += 1;
    }
}

async fn call(
    core: &Arc<Core>,
    id: &SagaId,
    function: &'static str,
    compensation: Compensate,
    step: &StepRecord,
) -> Result<(), CompensationError> {
    let arguments = JournaledArguments::decode(function, &step.arguments);
    let call = compensation(JournaledCall {
        function,
        states: core.states.clone(),
        arguments: arguments.map_err(CompensationError::NotCalled)?,
        output: step.output.clone(),
    });
    // What it calls works on this runtime, and is no step of any saga.
    let call = context::within(Context::compensating(id, step), Caught(call));
    let call = SCOPED.scope(Arc::clone(core), call);
    match tokio::time::timeout(LIMIT, call).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(CompensationError::Failed(panic)),
        Err(_elapsed) => {
            let error = format!("it did not answer within {LIMIT:?}");
            Err(CompensationError::Failed(error))
        }
    }
}
