//! How sagas begin.

use super::super::sagas::Saga;
use super::super::{Asking, Data};
use crate::error::StoreError;
use crate::saga::journal::{NewSaga, Started, Status};

impl Data {
    pub(super) fn start(&mut self, new: NewSaga, asking: &Asking) -> Result<Started, StoreError> {
        if let Some(there) = self.sagas.get_mut(&new.id) {
            // Finding it as it would be written is the same as writing it.
            let record = &there.record;
            let fresh = record.epoch == 1 && record.status == Status::Running;
            if fresh && there.nonce == new.nonce && there.belongs_to(&asking.owner) {
                return Ok(Started::New(record.started_at));
            }
            if new.given {
                return Ok(found(there, &new, asking));
            }
            let text = format!("there is another saga with the id {}", new.id);
            return Err(StoreError::refused("starting a saga", text));
        }
        if let Some(key) = new.key
            && let Some(there) = self.sagas.with_key(key.digest)
        {
            if !there.gives_up_its_key(key.ttl, asking.now) {
                return Ok(found(there, &new, asking));
            }
            there.record.key = None;
        }
        self.sagas.add(Saga::begin(new, asking));
        Ok(Started::New(asking.now))
    }
}

fn found(there: &mut Saga, new: &NewSaga, asking: &Asking) -> Started {
    if there.is_left_behind() && new.has_code_of(&there.record) {
        Started::TakenOver(there.take_over(asking))
    } else if there.record.status.is_unfinished() {
        Started::Busy(there.record.id.clone())
    } else {
        Started::Ended(there.read(asking.now))
    }
}
