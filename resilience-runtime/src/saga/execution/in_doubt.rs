//! Steps whose outcome is not known: they may have had their effect.

use super::Execution;
use super::asking::Asked;
use super::progress::{NewStep, Progress};
use crate::saga::journal::StepOutcome;

impl Execution {
    /// Records `step` as in doubt before it begins, if the next interruption may park the saga and the step is one that is
    /// undone in doubt. Returns whether it did: then the step has to wait until the record is durable.
    ///
    /// The journal does not say which step is under way. Usually the body does, when it is run again after an interruption.
    /// But a saga that was interrupted too often is parked, and is undone from its journal alone.
    ///
    /// A first interruption parks a saga only where `max_interruptions` is 0, and all processes on a store are supposed to
    /// agree on that. Otherwise the first run needs no such record. Nor does a step that no earlier run can have begun: a step
    /// before it has ended in this run, and that resets the count of interruptions.
    pub(super) fn announce_in_doubt(
        &self,
        progress: &mut Progress,
        step: &mut NewStep,
        asked: &Asked,
    ) -> bool {
        let is_again = || self.attempt(progress.is_first_to_begin()) > 1;
        let may_be_parked =
            || self.core.settings.max_interruptions == 0 || self.is_interrupted && is_again();
        if step.position.is_some()
            || asked.terms.compensation_in_doubt().is_none()
            || !may_be_parked()
        {
            return false;
        }
        let position = progress.records.reserve();
        let record = asked.record(position, step.occurrence, StepOutcome::InDoubt, None);
        progress.records.announce(record);
        step.position = Some(position);
        step.is_announced = true;
        // It begins when everything up to this record is durable.
        step.after = progress.records.len();
        true
    }

    /// A new step does not begin in this run: the run takes no more steps, or the body has dropped it. If an earlier run may
    /// have begun it, it is in doubt. The journal may not say which step was under way at an interruption; the body, which
    /// asks for it, does.
    pub(super) fn not_begun(&self, step: &NewStep, asked: &Asked) {
        let mut progress = self.progress();
        let is_first = self.attempt(progress.is_first_to_begin()) == 1;
        if is_first {
            progress.records.take_back(step.announced());
        }
        let is_known = step.position.is_some() || !asked.has_effects;
        if is_known || !progress.is_replayed() || is_first {
            return;
        }
        let position = progress.records.reserve();
        let record = asked.record(position, step.occurrence, StepOutcome::InDoubt, None);
        progress.add(record, false);
    }

    /// Which attempt at the step this is, counted from 1, as far as it can be known.
    pub(super) fn attempt(&self, is_first_to_begin: bool) -> u32 {
        match is_first_to_begin {
            true => 1,
            false => self.before.saturating_add(1),
        }
    }
}
