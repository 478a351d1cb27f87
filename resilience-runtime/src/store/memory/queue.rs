//! Dead letters.

use std::ops::Bound;

use super::{Data, MemoryStore};
use crate::BoxFuture;
use crate::dlq::{Closing, DeadLetter, DeadLetterId, DeadLetterStatus, LetterFilter, Queue};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{SagaId, Status};

impl Queue for MemoryStore {
    fn list(
        &self,
        filter: LetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let data = self.data();
            let letters = data.letters.range((start, Bound::Unbounded));
            Ok(letters
                .map(|(_, letter)| letter)
                .filter(|letter| {
                    filter.statuses.is_empty() || filter.statuses.contains(&letter.status)
                })
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .cloned()
                .collect())
        })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move { Ok(self.data().letters.get(&id).cloned()) })
    }

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        _by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let Data { sagas, letters, .. } = &mut *self.data();
            let Some(letter) = letters
                .get_mut(&id)
                .filter(|letter| letter.status == DeadLetterStatus::Open)
            else {
                return Ok(false);
            };
            // A saga that is being undone again, because an operator retried it, is not closed.
            let Some(saga) = sagas
                .get_mut(
                    letter
                        .saga
                        .as_ref()
                        .unwrap_or(&SagaId::from_stored(String::new())),
                )
                .filter(|saga| saga.record.status.is_dead())
            else {
                return Ok(false);
            };
            saga.record.status = Status::Resolved;
            saga.record.epoch += 1;
            letter.status = DeadLetterStatus::Resolved;
            letter.note = match closing {
                Closing::Resolve(note) => Some(note),
                Closing::Discard => None,
            };
            Ok(true)
        })
    }
}
