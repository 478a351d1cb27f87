//! Which steps there is something to undo of.

use super::Undoing;
use crate::core::Core;
use crate::saga::journal::{StepOutcome, StepRecord};

/// What is to be undone, the newest last.
pub(super) fn of(core: &Core, saga: &Undoing) -> Vec<StepRecord> {
    let steps = saga.steps.iter();
    let steps = steps.filter(|step| !step.undone && has_compensation(core, step));
    let mut steps: Vec<StepRecord> = steps.cloned().collect();
    steps.sort_unstable_by_key(|step| step.position);
    steps
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
    if let Some(helper) = step.step.strip_prefix("saga::") {
        // A saga that was called is undone as one; the other helpers did nothing.
        return helper.starts_with("call ");
    }
    let entry = core.catalog.step(&step.step);
    entry.is_none_or(|entry| entry.compensate.is_some())
}
