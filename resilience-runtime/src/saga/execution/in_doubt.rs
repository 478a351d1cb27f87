//! Steps that may have had their effect although nothing came out of them.

use super::Execution;
use super::asking::Asked;
use super::progress::{NewStep, Progress};
use crate::saga::journal::StepOutcome;

impl Execution {
    /// The journal does not say which step is under way. Its code does, as long as it is run again after an interruption; a
    /// saga that is parked for being interrupted too often is undone without it. So in a run whose end may park the saga, a
    /// step that is to be undone when it is in doubt is written down as such before it begins. Whether `step` had to be, and
    /// is to wait until that is durable.
    ///
    /// A first interruption parks a saga only where none is allowed, which all processes on a store are taken to see alike. In
    /// all other cases the first run does not need it, nor does a step that no earlier run can have begun: it came after
    /// something that did come out, and what comes out begins the count of interruptions anew.
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
        (step.position, step.is_announced) = (Some(position), true);
        step.after = progress.records.len();
        true
    }

    /// A new step that the run does not take: it takes none any more, or the body does not want it any more. An earlier run
    /// may have: the journal may not say which step was under way when it was interrupted, but the code does, and asks for
    /// it.
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

    /// How often a step that begins now has been begun, this time included, as far as it can be known.
    pub(super) fn attempt(&self, is_first_to_begin: bool) -> u32 {
        match is_first_to_begin {
            true => 1,
            false => self.before.saturating_add(1),
        }
    }
}
