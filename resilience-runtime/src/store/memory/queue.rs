//! Dead letters.

use std::ops::Bound;

use super::{Data, MemoryStore};
use crate::BoxFuture;
use crate::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, Queue};
use crate::error::StoreError;
use crate::saga::journal::Status;

impl Queue for MemoryStore {
    fn list(
        &self,
        status: DeadLetterStatus,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let data = self.data();
            let letters = data.letters.range((start, Bound::Unbounded));
            Ok(letters
                .map(|(_, letter)| letter)
                .filter(|letter| letter.status == status)
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .cloned()
                .collect())
        })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move { Ok(self.data().letters.get(&id).cloned()) })
    }

    fn resolve(&self, id: DeadLetterId, note: String) -> BoxFuture<'_, Result<bool, StoreError>> {
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
                .get_mut(&letter.saga)
                .filter(|saga| saga.record.status == Status::Dead)
            else {
                return Ok(false);
            };
            saga.record.status = Status::Compensated;
            saga.record.epoch += 1;
            letter.status = DeadLetterStatus::Resolved;
            letter.note = Some(note);
            Ok(true)
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<(DeadLetterStatus, u64)>, StoreError>> {
        Box::pin(async move {
            let mut counts: Vec<(DeadLetterStatus, u64)> = Vec::new();
            for letter in self.data().letters.values() {
                match counts
                    .iter_mut()
                    .find(|(status, _)| *status == letter.status)
                {
                    Some((_, count)) => *count += 1,
                    None => counts.push((letter.status, 1)),
                }
            }
            Ok(counts)
        })
    }
}
