//! Parking a saga by hand.

use super::super::audit::Subject;
use super::super::{Asking, Data};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{Park, ParkOutcome, SagaId};

impl Data {
    pub(super) fn park(
        &mut self,
        id: &SagaId,
        park: Park,
        by: Operator,
        asking: &Asking,
    ) -> Result<Option<ParkOutcome>, StoreError> {
        let Some(saga) = self.sagas.get_mut(id) else {
            return Ok(Some(ParkOutcome::NotFound));
        };
        let record = &saga.record;
        if !record.status.is_unfinished() {
            return Ok(Some(ParkOutcome::NotUnfinished(record.status)));
        }
        if !saga.is_left_behind() {
            return Ok(Some(ParkOutcome::Owned(None)));
        }
        // Of the step that the letter is about, if there is a letter and it is about one.
        let position = park.dead_letter.as_ref().map(|letter| letter.position);
        let is_undone = |position| {
            let mut steps = record.steps.iter();
            steps.any(|step| Some(step.position) == position && step.undone)
        };
        let is_as_seen = (record.epoch, record.status) == (park.epoch, park.status)
            && !position.is_some_and(is_undone)
            && (position.is_some() || self.letters.unresolved_of(id).next().is_some());
        if !is_as_seen {
            return Ok(None);
        }
        saga.record.epoch += 1;
        let epoch = saga.record.epoch;
        self.advance(id, epoch, park.advance(), asking.now)?;
        self.audit.write(asking, by, "park", Subject::Saga(id));
        let letters = self.letters.unresolved_of(id).map(|it| &it.letter);
        let its = letters.filter(|it| position.is_none_or(|there| it.work.position == there));
        Ok(its.map(|letter| letter.id).max().map(ParkOutcome::Parked))
    }
}
