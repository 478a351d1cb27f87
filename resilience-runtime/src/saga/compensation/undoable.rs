//! Which steps there is something to undo of.

use super::{Undoing, attempts};
use crate::core::Core;
use crate::dlq::{DeadLetterFilter, DeadLetterStatus};
use crate::pauses::Pauses;
use crate::saga::journal::{StepOutcome, StepRecord};
use crate::saga::ledger::Stop;
use crate::saga::options::OnDead;
use crate::saga::step_name;

/// More letters than a saga has that many operators look at.
const LETTERS: u32 = 1000;

/// What is to be undone, the newest last.
pub(super) async fn of(core: &Core, saga: &Undoing) -> Result<Vec<StepRecord>, Stop> {
    let steps = saga.steps.iter();
    let steps = steps.filter(|step| !step.undone && has_compensation(core, step));
    let mut steps: Vec<StepRecord> = steps.cloned().collect();
    steps.sort_unstable_by_key(|step| step.position);
    // Only then there can be letters beside one that is tried again.
    if saga.before > 0 && saga.on_dead() == OnDead::Continue && !steps.is_empty() {
        let closed = closed_by_hand(core, saga).await?;
        steps.retain(|step| !closed.contains(&step.position));
    }
    Ok(steps)
}

/// The steps that an operator has undone by hand, or has given up.
async fn closed_by_hand(core: &Core, saga: &Undoing) -> Result<Vec<u32>, Stop> {
    let mut pauses = Pauses::STORE;
    loop {
        let filter = DeadLetterFilter {
            statuses: vec![DeadLetterStatus::Resolved, DeadLetterStatus::Discarded],
            saga: Some(saga.id.clone()),
            ..DeadLetterFilter::default()
        };
        match core.stores.queue.list(filter, None, LETTERS).await {
            Ok(letters) => {
                let positions = letters.into_iter().map(|letter| letter.work.position);
                return Ok(positions.flatten().collect());
            }
            Err(error) => {
                let pause = pauses.next();
                tracing::warn!(target: "resilience", saga_id = %saga.id, %error, ?pause,
                    "the letters of a saga that is being undone cannot be read");
                attempts::wait(core, pause).await?;
            }
        }
    }
}

/// Whether there is something to call for this step. A step that this program does not know
/// counts: nobody can say that it needs nothing.
pub(in crate::saga) fn has_compensation(core: &Core, step: &StepRecord) -> bool {
    match step.outcome {
        StepOutcome::Done => {}
        StepOutcome::Failed => return false,
        // What is in doubt is only undone where its author says so.
        StepOutcome::InDoubt if step.compensation.is_none() => return false,
        StepOutcome::InDoubt => {}
    }
    if step_name::is_reserved(&step.step) {
        // A saga that was called is undone as one; the other helpers did nothing.
        return step_name::called_saga(&step.step).is_some();
    }
    let entry = core.catalog.step(&step.step);
    entry.is_none_or(|entry| entry.compensate.is_some())
}
