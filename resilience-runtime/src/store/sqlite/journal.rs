//! The saga journal.

use sqlx::sqlite::SqliteRow;

use super::operation::{Operation, text};
use super::rows::{LOAD_SAGA, OwnedSaga, Unreadable, column, saga, word};
use super::statements::Part;
use super::{HandedOver, SqliteStore, failure};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, Event, Journal, Known, NewSaga, SagaId, SagaRecord, Settles, Started, Status, Written,
};
use crate::timestamp::Timestamp;

const STARTING: &str = "starting a saga";
const WRITING: &str = "writing the saga journal";
const REVIVING: &str = "reviving a saga";
const READING: &str = "reading the saga journal";

impl Journal for SqliteStore {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(async move {
            // Each further round means that somebody else has changed the saga in between.
            loop {
                let rows = self.write(self.starting(&saga)).await?;
                let there = Present::read(&rows).map_err(|e| e.in_doubt(STARTING))?;
                if there.id == saga.id {
                    return self.started(&there);
                }
                let ended = !there.status.is_unfinished();
                if !ended && !self.is_gone(there.owner.clone()).await? {
                    return Ok(Started::Busy(there.id));
                }
                let Some(record) = self.find(&there.id, STARTING).await? else {
                    continue;
                };
                if ended {
                    if matches!(
                        record.status,
                        Status::Completed | Status::Parked | Status::CompensationFailed
                    ) {
                        return Ok(Started::Ended(record));
                    }
                } else if record.epoch == there.epoch
                    && record.status.is_unfinished()
                    && let Some(record) = self.acquire(STARTING, record).await?
                {
                    return Ok(Started::TakenOver(record));
                }
            }
        })
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        Box::pin(async move {
            let rows = self.write(advancing(&saga, epoch, &advance)).await?;
            Ok(if rows.is_empty() {
                Written::Superseded
            } else {
                Written::YES
            })
        })
    }

    fn take_over(
        &self,
        known: Vec<Known>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.take_over_sagas(known, limit))
    }

    fn revive(
        &self,
        saga: SagaId,
        _event: Event,
        _by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            match self.find(&saga, REVIVING).await? {
                Some(record) if record.status.is_dead() => self.acquire(REVIVING, record).await,
                _ => Ok(None),
            }
        })
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move { self.find(&saga, READING).await })
    }
}

impl SqliteStore {
    fn starting(&self, saga: &NewSaga) -> Operation {
        let id = text(saga.id.as_str());
        let key = saga.key.map(|key| key.digest.to_string());
        let ttl = saga.key.map(|key| key.ttl.as_secs_f64());
        let change = (
            &id,
            text(&saga.name),
            &key,
            text(&saga.input),
            self.shared.worker.id(),
            ttl,
        );
        let operation = Operation::new(STARTING, Part::Start, &*id).touching("saga", &id);
        let operation = match &key {
            Some(key) => operation.touching("saga key", key),
            None => operation,
        };
        operation.with(Part::Start, &change)
    }

    /// The saga under the id of the new one. Finding it as this store would have written it is the
    /// same as writing it: the first answer may have been lost.
    fn started(&self, there: &Present) -> Result<Started, StoreError> {
        if there.status == Status::Running
            && there.epoch == 1
            && there.owner == self.shared.worker.id()
        {
            return Ok(Started::New(Timestamp::of_this_machine()));
        }
        let text = format!("there is another saga with the id {}", there.id);
        Err(StoreError::refused(STARTING, text))
    }

    async fn find(
        &self,
        id: &SagaId,
        doing: &'static str,
    ) -> Result<Option<SagaRecord>, StoreError> {
        let found = self.try_find(id, doing).await?;
        let found = found.map_err(|unreadable| unreadable.refused(doing))?;
        Ok(found.map(|saga| saga.record))
    }

    pub(super) async fn try_find(
        &self,
        id: &SagaId,
        doing: &'static str,
    ) -> Result<Result<Option<OwnedSaga>, Unreadable>, StoreError> {
        let rows = sqlx::query(LOAD_SAGA)
            .bind(id.as_str())
            .fetch_all(&self.shared.readers)
            .await
            .map_err(|error| failure::reading(doing, error))?;
        Ok(saga(id, &rows))
    }

    /// Hands over the change of owner, from what `record` says to this store; a dead saga is to be
    /// undone then. The epoch makes it conditional on the owner that the saga had when it was read,
    /// which the caller knows to be gone or done with it.
    pub(super) async fn hand_over_acquire(
        &self,
        doing: &'static str,
        record: &SagaRecord,
    ) -> Result<HandedOver, StoreError> {
        let id = record.id.as_str();
        let change = (
            id,
            record.epoch,
            record.status.as_str(),
            acquired(record.status).as_str(),
            self.shared.worker.id(),
        );
        let operation = Operation::new(doing, Part::Acquire, id)
            .touching("saga", id)
            .with(Part::Acquire, &change);
        self.hand_over(operation).await
    }

    /// Makes the saga this store's; `None` when somebody else was first.
    async fn acquire(
        &self,
        doing: &'static str,
        record: SagaRecord,
    ) -> Result<Option<SagaRecord>, StoreError> {
        let rows = self.hand_over_acquire(doing, &record).await?.answer().await;
        Ok((!rows?.is_empty()).then(|| under_next_epoch(record)))
    }
}

/// What `start` finds under the key, or under the id, of the new saga.
struct Present {
    id: SagaId,
    status: Status,
    epoch: i64,
    owner: String,
}

impl Present {
    fn read(rows: &[SqliteRow]) -> Result<Self, Unreadable> {
        let row = rows.first().ok_or_else(Unreadable::missing)?;
        Ok(Self {
            id: SagaId::from_stored(column(row, 2)?),
            status: word(row, 3, Status::from_stored)?,
            epoch: column(row, 4)?,
            owner: column(row, 5)?,
        })
    }
}

fn acquired(status: Status) -> Status {
    match status {
        Status::Parked | Status::CompensationFailed => Status::Compensating,
        status => status,
    }
}

pub(super) fn under_next_epoch(record: SagaRecord) -> SagaRecord {
    SagaRecord {
        status: acquired(record.status),
        epoch: record.epoch + 1,
        ..record
    }
}

fn advancing(saga: &SagaId, epoch: i64, advance: &Advance) -> Operation {
    let id = saga.as_str();
    let mut operation = Operation::new(WRITING, Part::Fence, id)
        .touching("saga", id)
        .with(Part::Fence, &(id, epoch));
    if advance.status.is_some() || advance.output.is_some() || advance.error.is_some() {
        let status = advance.status.map(Status::as_str);
        let output = advance.output.as_deref().map(text);
        let error = advance.error.as_deref().map(text);
        operation = operation.with(Part::Status, &(id, epoch, status, output, error));
    }
    for step in &advance.steps {
        let change = (
            id,
            epoch,
            step.position,
            text(&step.step),
            step.occurrence,
            text(&step.arguments),
            step.output.as_deref().map(text),
            i64::from(step.undone),
        );
        operation = operation.with(Part::Steps, &change);
    }
    if let Some(position) = advance.undone {
        operation = operation.with(Part::Undone, &(id, epoch, position));
    }
    if (advance.settles != Settles::Nothing) {
        operation = operation.with(Part::Settle, &(id, epoch));
    }
    if let Some(letter) = &advance.dead_letter {
        let change = (
            id,
            epoch,
            letter.kind.as_str(),
            text(&letter.operation),
            text(&letter.arguments),
            letter.output.as_deref().map(text),
            text(&letter.error),
            letter.attempts,
        );
        operation = operation.with(Part::Letters, &change);
    }
    operation
}
