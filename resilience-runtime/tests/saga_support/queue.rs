//! The other faces of the store.

use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::{DeadLetter, DeadLetterId, DeadLetterStatus, Queue};
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Nonce};
use resilience_runtime::saga::journal::Event;

use crate::store::Store;

impl Queue for Store {
    fn list(
        &self,
        status: DeadLetterStatus,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let data = self.disk.data();
            let page = data.letters.iter().filter(|letter| {
                letter.status == status && after.is_none_or(|after| letter.id > after)
            });
            Ok(page
                .take(usize::try_from(limit).unwrap())
                .cloned()
                .collect())
        })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move {
            self.alive().await;
            let data = self.disk.data();
            Ok(data.letters.iter().find(|letter| letter.id == id).cloned())
        })
    }

    fn resolve(&self, id: DeadLetterId, note: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.write(move |data| {
            let open = data
                .letters
                .iter_mut()
                .find(|letter| letter.id == id && letter.status == DeadLetterStatus::Open);
            let Some(letter) = open else {
                return (None, false);
            };
            letter.status = DeadLetterStatus::Resolved;
            letter.note = Some(note);
            let row = data.sagas.get_mut(&letter.saga).unwrap();
            row.record.status = row.record.status.after(Event::Resolved).unwrap();
            (Some("resolve".to_owned()), true)
        }))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<(DeadLetterStatus, u64)>, StoreError>> {
        Box::pin(async move { Ok(Vec::new()) })
    }
}

/// No test of sagas uses this face.
impl IdempotencyStore for Store {
    fn claim(&self, _: Digest, _: Digest, _: Nonce) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async { Ok(Claim::Busy) })
    }

    fn complete(
        &self,
        _: Digest,
        _: Digest,
        _: Nonce,
        _: String,
        _: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(false) })
    }

    fn release(&self, _: Digest, _: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
