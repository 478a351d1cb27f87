//! The other faces of the store.

use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::dlq::{
    Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatus, Queue,
};
use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Claim, Claiming, Completion, IdempotencyStore, Nonce, Ownership, Record, Release,
};
use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore};
use resilience_runtime::operator::Operator;
use resilience_runtime::saga::journal::Event;

use crate::operations::{operations, types};
use crate::store::Store;

impl Queue for Store {
    fn list(
        &self,
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let data = self.disk.data();
            let page = data.letters.iter().filter(|letter| {
                (filter.statuses.is_empty() || filter.statuses.contains(&letter.status))
                    && after.is_none_or(|after| letter.id > after)
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

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        _by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.write(move |data| {
            let open = data
                .letters
                .iter_mut()
                .find(|letter| letter.id == id && letter.status == DeadLetterStatus::Open);
            let Some(letter) = open else {
                return (None, false);
            };
            (letter.status, letter.note) = match closing {
                Closing::Resolve(note) => (DeadLetterStatus::Resolved, Some(note)),
                Closing::Discard => (DeadLetterStatus::Discarded, None),
            };
            let row = data.sagas.get_mut(letter.saga.as_ref().unwrap()).unwrap();
            row.record.status = row.record.status.after(Event::Resolved).unwrap();
            (Some("resolve".to_owned()), true)
        }))
    }

    operations! { refused Queue:
        add request_retry take_work end_work statistics unresolved audit audit_of_saga
        purge_letters
    }
}

/// No test of sagas uses this face.
impl IdempotencyStore for Store {
    fn ownership(&self) -> Ownership {
        Ownership::Process
    }

    fn claim(&self, _: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(async { Ok(Claim::Mismatch) })
    }

    fn renew(&self, _: Digest, _: Nonce, _: Duration) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn complete(
        &self,
        _: Digest,
        _: Nonce,
        _: Record,
        _: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>> {
        Box::pin(async { Ok(Completion::Refused(None)) })
    }

    fn release(&self, _: Digest, _: Nonce, _: Release) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Nor this one.
impl LockStore for Store {
    fn ownership(&self) -> Ownership {
        Ownership::Process
    }

    fn acquire(&self, _: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(async { Err(StoreError::refused("locking", "not here")) })
    }

    fn renew(&self, _: Digest, _: Nonce, _: Duration) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn release(&self, _: Digest, _: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
