//! Calling a compensation until it succeeds.

use std::sync::Arc;
use std::time::Duration;

use super::call::Attempt;
use super::{Undoing, call};
use crate::core::Core;
use crate::pauses::Pauses;
use crate::registry::CompensationError;
use crate::saga::journal::StepRecord;
use crate::saga::ledger::Stop;
use crate::saga::nested::{self, NotUndone};
use crate::saga::stack;
use crate::telemetry::sagas;

/// Between two attempts. Half of each is random: what failed together must not come back together.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(200), Duration::from_secs(30));
/// How long all attempts of a compensation wait for breakers, at most. After that it is tried although they are open: it
/// may be that the compensation does not need what they guard.
const PATIENCE: Duration = Duration::from_secs(600);
/// Somebody may close a breaker by hand.
const LOOK: Duration = Duration::from_secs(5);

/// A compensation failed for good.
pub(super) struct Failure {
    /// How often it was called.
    pub(super) attempts: u32,
    /// The text of its last error.
    pub(super) error: String,
}

/// Calls the compensation of `step` until it succeeds, or has been tried as often as its step allows. It may have been
/// called `before` so often.
pub(super) async fn compensate(
    core: &Arc<Core>,
    saga: &Undoing,
    step: &StepRecord,
    before: u32,
) -> Result<Result<(), Failure>, Stop> {
    let failed = |attempts, error| Ok(Err(Failure { attempts, error }));
    if nested::is_call(step) {
        return match nested::undo_child(core, &saga.id, step).await {
            Ok(()) => Ok(Ok(())),
            Err(NotUndone::Failed(error)) => failed(1, error),
            Err(NotUndone::Stopped(stop)) => Err(stop),
        };
    }
    let Some(entry) = core.catalog.step(&step.step) else {
        let unknown = format!("no saga step `{}` is linked into this program", step.step);
        return failed(0, unknown);
    };
    let Some(compensation) = entry.compensate else {
        return Ok(Ok(()));
    };
    let name = entry.step.name;
    let mut pauses = PAUSES;
    let mut patience = PATIENCE;
    let mut attempt = 1;
    loop {
        breakers(core, saga, name, &mut patience).await?;
        let tried = call::call(
            core,
            saga,
            entry,
            compensation,
            step,
            Attempt {
                before,
                here: attempt,
            },
        )
        .await;
        let error = match tried {
            Ok(()) => {
                sagas::compensated(name, true);
                return Ok(Ok(()));
            }
            // It will not become callable by waiting.
            Err(CompensationError::NotCalled(error)) => {
                return failed(attempt - 1, error.to_string());
            }
            Err(CompensationError::Failed(error)) => error,
        };
        sagas::compensated(name, false);
        if core.gate.is_stopped() {
            // It may have failed because of that: the next process tries.
            return Err(Stop::Unwritten(error));
        }
        if attempt >= entry.step.attempts {
            return failed(attempt, error);
        }
        tracing::warn!(target: "resilience", saga_id = %saga.id, step = name, attempt, %error,
            "a compensation failed and is tried again"
        );
        let pause = pauses.next();
        wait(core, pause / 2 + (pause / 2).mul_f64(fastrand::f64())).await?;
        attempt += 1;
    }
}

/// Waits until the breakers of the step let calls through, for as long as there is patience.
async fn breakers(
    core: &Core,
    saga: &Undoing,
    step: &'static str,
    patience: &mut Duration,
) -> Result<(), Stop> {
    let mut is_first = true;
    while let Some(open) = stack::rejects_for(step) {
        let pause = open.min(LOOK).min(*patience);
        if pause.is_zero() {
            break;
        }
        if is_first {
            tracing::info!(target: "resilience", saga_id = %saga.id, step, ?open,
                "a compensation waits for the circuit breaker of its step");
        }
        is_first = false;
        wait(core, pause).await?;
        *patience -= pause;
    }
    Ok(())
}

/// Waits, unless the runtime is stopped: the next process goes on then.
pub(super) async fn wait(core: &Core, pause: Duration) -> Result<(), Stop> {
    match core.gate.pause(pause).await {
        true => Ok(()),
        false => Err(Stop::Unwritten(
            "a compensation is still to be tried".to_owned(),
        )),
    }
}
