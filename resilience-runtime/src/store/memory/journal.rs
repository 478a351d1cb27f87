//! The saga journal.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::Instant;

use super::{Data, MemoryStore, Owner, is_gone};
use crate::BoxFuture;
use crate::dlq::{DeadLetter, DeadLetterStatus, NewDeadLetter};
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, Event, Journal, Known, NewSaga, SagaId, SagaRecord, Settles, Started, Status,
    StepRecord, Written,
};
use crate::timestamp::Timestamp;

/// A saga and its owner.
pub(super) struct Saga {
    pub(super) record: SagaRecord,
    owner: Owner,
    /// When it was completed.
    completed_at: Option<Instant>,
}

impl Saga {
    /// Gives it to `owner`, under a new epoch.
    fn acquire(&mut self, owner: Owner) -> SagaRecord {
        self.owner = owner;
        self.record.epoch += 1;
        self.record.clone()
    }

    fn is_left_behind(&self) -> bool {
        self.record.status.is_unfinished() && is_gone(&self.owner)
    }

    fn was_completed_before(&self, ttl: Duration) -> bool {
        self.completed_at.is_some_and(|at| at.elapsed() >= ttl)
    }
}

impl Journal for MemoryStore {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(async move {
            let owner = self.owner();
            self.data().start(saga, owner)
        })
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        Box::pin(async move { self.data().advance(&saga, epoch, advance) })
    }

    fn take_over(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let mut data = self.data();
            let sagas = data.sagas.values_mut();
            let taken = sagas
                .filter(|saga| {
                    saga.is_left_behind()
                        && known.iter().any(|known| known.name == saga.record.name)
                })
                .take(limit)
                .map(|saga| saga.acquire(self.owner()));
            Ok(taken.collect())
        })
    }

    fn revive(
        &self,
        saga: SagaId,
        _event: Event,
        _by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let mut data = self.data();
            let dead = data
                .sagas
                .get_mut(&saga)
                .filter(|saga| saga.record.status.is_dead());
            Ok(dead.map(|saga| {
                saga.record.status = Status::Compensating;
                saga.acquire(self.owner())
            }))
        })
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let data = self.data();
            Ok(data.sagas.get(&saga).map(|saga| saga.record.clone()))
        })
    }
}

impl Data {
    fn start(&mut self, new: NewSaga, owner: Owner) -> Result<Started, StoreError> {
        if let Some(key) = new.key
            && let Some(there) = self.saga_with_key(key.digest)
            && there.record.id != new.id
        {
            if there.was_completed_before(key.ttl) {
                there.record.key = None;
                return self.start(new, owner);
            }
            return Ok(if there.is_left_behind() {
                Started::TakenOver(there.acquire(owner))
            } else if there.record.status.is_unfinished() {
                Started::Busy(there.record.id.clone())
            } else {
                Started::Ended(there.record.clone())
            });
        }
        if let Some(there) = self.sagas.get(&new.id) {
            // Finding it as it would be written is the same as writing it.
            let fresh = there.record.epoch == 1 && there.record.status == Status::Running;
            if fresh && Weak::ptr_eq(&there.owner, &owner) {
                return Ok(Started::New(Timestamp::of_this_machine()));
            }
            let text = format!("there is another saga with the id {}", new.id);
            return Err(StoreError::refused("starting a saga", text));
        }
        let now = Timestamp::of_this_machine();
        let mut record = SagaRecord::new(new.id.clone(), new.name, new.input, now);
        record.key = new.key.map(|key| key.digest);
        let saga = Saga {
            record,
            owner,
            completed_at: None,
        };
        self.sagas.insert(new.id, saga);
        Ok(Started::New(Timestamp::of_this_machine()))
    }

    fn saga_with_key(&mut self, key: Digest) -> Option<&mut Saga> {
        self.sagas
            .values_mut()
            .find(|saga| saga.record.key == Some(key) && saga.record.status != Status::Compensated)
    }

    fn advance(
        &mut self,
        id: &SagaId,
        epoch: i64,
        advance: Advance,
    ) -> Result<Written, StoreError> {
        let Some(saga) = self
            .sagas
            .get_mut(id)
            .filter(|saga| saga.record.epoch == epoch)
        else {
            return Ok(Written::Superseded);
        };
        let record = &mut saga.record;
        let mut steps = record.steps.clone();
        for step in advance.steps {
            add_step(&mut steps, step)?;
        }
        for step in &mut steps {
            step.undone |= Some(step.position) == advance.undone;
        }
        record.steps = steps;
        record.status = advance.status.unwrap_or(record.status);
        if advance.status == Some(Status::Completed) {
            saga.completed_at = Some(Instant::now());
        }
        record.output = advance.output.or(record.output.take());
        record.error = advance.error.or(record.error.take());
        let name = record.name.clone();
        if advance.settles != Settles::Nothing
            && let Some(letter) = self.open_letter(id)
        {
            letter.status = DeadLetterStatus::Settled;
        }
        if let Some(work) = advance.dead_letter {
            self.add_letter(id, name, work);
        }
        Ok(Written::YES)
    }

    fn open_letter(&mut self, saga: &SagaId) -> Option<&mut DeadLetter> {
        self.letters.values_mut().find(|letter| {
            letter.saga.as_ref() == Some(saga) && letter.status == DeadLetterStatus::Open
        })
    }

    /// A saga has at most one open letter. Attempts add up as long as it is about the same work.
    fn add_letter(&mut self, saga: &SagaId, saga_name: String, mut work: NewDeadLetter) {
        if let Some(open) = self.open_letter(saga) {
            let before = &open.work;
            if (before.kind, &before.operation, &before.arguments)
                == (work.kind, &work.operation, &work.arguments)
            {
                work.attempts = work.attempts.saturating_add(before.attempts);
            }
            open.work = work;
            return;
        }
        let id = self.letters.last_key_value().map_or(1, |(id, _)| id + 1);
        let now = Timestamp::of_this_machine();
        let letter = DeadLetter {
            id,
            saga: Some(saga.clone()),
            saga_name: Some(saga_name),
            work,
            status: DeadLetterStatus::Open,
            created_at: now,
            updated_at: now,
            note: None,
        };
        self.letters.insert(id, letter);
    }
}

/// The same step at the same position is the same write, made again; another one there would be
/// lost without a trace.
fn add_step(steps: &mut Vec<StepRecord>, step: StepRecord) -> Result<(), StoreError> {
    match steps.binary_search_by_key(&step.position, |step| step.position) {
        Err(index) => steps.insert(index, step),
        Ok(index) => {
            let there = &mut steps[index];
            if (&there.step, there.occurrence) != (&step.step, step.occurrence) {
                let text = format!(
                    "position {} holds step `{}` and not `{}`",
                    step.position, there.step, step.step
                );
                return Err(StoreError::refused("writing the saga journal", text));
            }
            *there = step;
        }
    }
    Ok(())
}
