//! The dead letter queue.

use std::time::Duration;

use super::audit::Subject;
use super::journal::size;
use super::{Asking, Data, MemoryStore};
use crate::BoxFuture;
use crate::dlq::{
    AuditEntry, Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterKind,
    DeadLetterStatistics, DeadLetterStatus, NewDeadLetter, Queue, RetryAs,
};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::SagaId;
use crate::timestamp::Timestamp;

impl Queue for MemoryStore {
    fn add(
        &self,
        letter: NewDeadLetter,
        nonce: String,
        by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            let Data { letters, audit, .. } = &mut *data;
            Ok(match letters.add(letter, nonce, asking.now) {
                Ok(added) => {
                    audit.write(&asking, by, "add", Subject::Letter(added));
                    added.id
                }
                Err(there) => there,
            })
        })
    }

    fn list(
        &self,
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let data = self.data();
            let page = data.letters.list(&filter, after).take(size(limit));
            Ok(page.cloned().collect())
        })
    }

    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move { Ok(self.data().letters.get(id).cloned()) })
    }

    fn close(
        &self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            Ok(data.close(id, closing, by, &asking).is_some())
        })
    }

    fn request_retry(
        &self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            let requested = data.request_retry(id, how, by, &asking).is_some();
            drop(data);
            if requested {
                self.announce();
            }
            Ok(requested)
        })
    }

    fn take_work(
        &self,
        operations: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            let taken = data
                .letters
                .iter_mut()
                .filter(|there| {
                    there.is_waiting() && operations.contains(&there.letter.work.operation)
                })
                .take(size(limit))
                .map(|there| there.take(&asking));
            Ok(taken.collect())
        })
    }

    fn end_work(
        &self,
        id: DeadLetterId,
        failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            let own = data.letters.get_mut(id);
            let Some(there) = own.filter(|there| there.belongs_to(&asking.owner)) else {
                return Ok(false);
            };
            match failed {
                None => there.becomes(DeadLetterStatus::Settled, asking.now),
                Some(error) => {
                    there.becomes(DeadLetterStatus::Open, asking.now);
                    let work = &mut there.letter.work;
                    work.attempts = work.attempts.saturating_add(1);
                    work.error = error;
                }
            }
            Ok(true)
        })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<DeadLetterStatistics, StoreError>> {
        Box::pin(async move { Ok(self.data().letters.statistics()) })
    }

    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let data = self.data();
            let unresolved = data
                .letters
                .iter()
                .filter(|letter| letter.status.is_unresolved());
            Ok(u64::try_from(unresolved.count()).unwrap_or(u64::MAX))
        })
    }

    fn audit(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(async move {
            let data = self.data();
            let letter = data.letters.get(id);
            Ok(letter.map_or_else(Vec::new, |letter| data.audit.of_letter(letter)))
        })
    }

    fn audit_of_saga(&self, saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        Box::pin(async move { Ok(self.data().audit.of_saga(&saga)) })
    }

    fn purge_letters(
        &self,
        retention: Duration,
        limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            Ok(data.purge_letters(retention, limit, asking.now))
        })
    }
}

impl Data {
    fn close(
        &mut self,
        id: DeadLetterId,
        closing: Closing,
        by: Operator,
        asking: &Asking,
    ) -> Option<()> {
        let Self {
            sagas,
            letters,
            audit,
            ..
        } = self;
        let there = letters.get_mut(id).filter(|there| there.is_free())?;
        let action = match closing {
            Closing::Resolve(_) => "resolve",
            Closing::Discard => "discard",
        };
        let saga = there.letter.saga.clone();
        // A saga that somebody is retrying is not closed under him.
        let dead = match &saga {
            None => None,
            Some(saga) => {
                let saga = sagas.get_mut(saga)?;
                Some(saga.record.status.is_dead().then_some(saga)?)
            }
        };
        there.close(closing, asking.now);
        audit.write(asking, by, action, Subject::Letter(&there.letter));
        if let Some(dead) = dead
            && letters.unresolved_of(&dead.record.id).next().is_none()
        {
            dead.resolve(asking.now);
        }
        Some(())
    }

    fn request_retry(
        &mut self,
        id: DeadLetterId,
        how: RetryAs,
        by: Operator,
        asking: &Asking,
    ) -> Option<()> {
        let action = match how {
            RetryAs::Itself => "retry",
            RetryAs::Compensation => "compensate",
        };
        let there = self.letters.get_mut(id).filter(|there| there.is_free())?;
        match there.letter.saga.clone() {
            None => there.becomes(DeadLetterStatus::Retrying, asking.now),
            Some(id) => {
                let saga = self.sagas.get_mut(&id)?;
                // One that is unfinished is being worked on already.
                saga.record.status.is_dead().then(|| saga.request(how))?;
                for there in self.letters.unresolved_of(&id) {
                    there.becomes(DeadLetterStatus::Retrying, asking.now);
                }
            }
        }
        let letter = self.letters.get(id)?;
        self.audit
            .write(asking, by, action, Subject::Letter(letter));
        Some(())
    }

    fn purge_letters(&mut self, retention: Duration, limit: u32, now: Timestamp) -> u64 {
        let over = self
            .letters
            .iter()
            .filter(|letter| {
                letter.work.kind == DeadLetterKind::Work
                    && !letter.status.is_unresolved()
                    && now.since(letter.updated_at) >= retention
            })
            .take(size(limit))
            .map(|letter| letter.id);
        let over: Vec<_> = over.collect();
        for id in &over {
            self.letters.remove(*id);
            self.audit.forget_letter(*id);
        }
        u64::try_from(over.len()).unwrap_or(u64::MAX)
    }
}
