//! The saga journal.

use std::time::Duration;

use super::operation::Operation;
use super::rows::flag;
use super::start::Present;
use super::statements::Part;
use super::{SqliteStore, advance, failure};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, OrphanedSagas, Park, ParkOutcome, SagaCursor,
    SagaFilter, SagaId, SagaRecord, SagaStatistics, SagaSummary, SagaVersion, Started, Status,
    Written,
};
use crate::store::rows::{Unreadable, text, word};
use crate::timestamp::Timestamp;

const STARTING: &str = "starting a saga";
const WRITING: &str = "writing the saga journal";
const REVIVING: &str = "reviving a saga";
const CANCELLING: &str = "cancelling a saga";
const READING: &str = "reading the saga journal";
const PURGING: &str = "deleting old sagas";

impl Journal for SqliteStore {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(self.start_saga(saga))
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        Box::pin(async move {
            let rows = self.write(advance::operation(WRITING, &saga, epoch, &advance));
            advance::written(&rows.await?).map_err(|it| it.in_doubt(WRITING))
        })
    }

    fn take_over(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.take_over_sagas(known, limit))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.changes.next(&self.shared.readers))
    }

    fn take_parked(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(self.take_parked_sagas(known, parked_before, limit))
    }

    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let Some(record) = self.find(&saga, REVIVING).await? else {
                return Ok(None);
            };
            let revives = matches!(event, Event::Resumed | Event::Compensate);
            match record.status.after(event).filter(|_| revives) {
                Some(status) => self.acquire(REVIVING, record, status, by.as_ref()).await,
                None => Ok(None),
            }
        })
    }

    fn cancel(
        &self,
        saga: SagaId,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>> {
        Box::pin(async move {
            let id = saga.as_str();
            let change = (id, text(&by.name), by.reason.as_deref().map(text));
            let operation = Operation::new(CANCELLING, Part::Cancel, id)
                .touching("saga", id)
                .with(Part::Cancel, &change);
            let rows = self.write(operation).await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            let read = || {
                Ok(match word(row, 2, Status::from_stored)? {
                    Status::Running if flag(row, 3)? => CancelOutcome::Pivoted,
                    Status::Running => CancelOutcome::Requested,
                    status => CancelOutcome::NotRunning(status),
                })
            };
            read()
                .map(Some)
                .map_err(|it: Unreadable| it.in_doubt(CANCELLING))
        })
    }

    fn park(
        &self,
        saga: SagaId,
        park: Park,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<ParkOutcome>, StoreError>> {
        Box::pin(self.park_saga(saga, park, by))
    }

    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>> {
        Box::pin(async move {
            let ids: Vec<String> = sqlx::query_scalar(CANCELLED)
                .bind(self.shared.worker.id())
                .fetch_all(self.shared.readers.get(READING)?)
                .await
                .map_err(|error| failure::reading(READING, error))?;
            Ok(ids.into_iter().map(SagaId::from).collect())
        })
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move { self.find(&saga, READING).await })
    }

    fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>> {
        Box::pin(async move { self.list_sagas(&filter, after.as_ref(), limit).await })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>> {
        Box::pin(self.statistics_of_sagas())
    }

    fn orphaned(
        &self,
        known: Vec<SagaVersion>,
    ) -> BoxFuture<'_, Result<Vec<OrphanedSagas>, StoreError>> {
        Box::pin(self.orphaned_sagas(known))
    }

    fn purge(&self, retention: Duration, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.purge_of(PURGING, Part::Purge, "sagas", retention, limit))
    }
}

/// As the index names what it holds.
pub(super) const CANCELLED: &str = "
SELECT id FROM resilience_sagas
WHERE owner = ?1 AND cancelled = 1 AND status = 'running' AND NOT pivoted";

impl SqliteStore {
    async fn start_saga(&self, saga: NewSaga) -> Result<Started, StoreError> {
        // Each further round means that somebody else has changed the saga in between.
        loop {
            let rows = self.write(self.starting(&saga)).await?;
            let present = Present::read(&rows).map_err(|it| it.in_doubt(STARTING))?;
            let there = match present {
                Ok(started_at) => return Ok(Started::New(started_at)),
                Err(there) => there,
            };
            if there.id == saga.id
                && let Some(started) = self.started(&saga, &there)?
            {
                return Ok(started);
            }
            let ended = !there.status.is_unfinished();
            if !ended && !self.is_gone(there.owner.clone()).await? {
                return Ok(Started::Busy(there.id));
            }
            let Some(record) = self.find(&there.id, STARTING).await? else {
                continue;
            };
            let status = record.status;
            if ended {
                // One that was retried meanwhile, or lost its key, is looked at once more.
                let answers = match status {
                    Status::Completed | Status::Parked | Status::CompensationFailed => true,
                    _ => saga.given && status.is_over(),
                };
                if answers {
                    return Ok(Started::Ended(record));
                }
            } else if !saga.has_code_of(&record) {
                return Ok(Started::Busy(there.id));
            } else if record.epoch == there.epoch
                && status.is_unfinished()
                && let Some(record) = self.acquire(STARTING, record, status, None).await?
            {
                return Ok(Started::TakenOver(record));
            }
        }
    }

    fn starting(&self, saga: &NewSaga) -> Operation {
        let id = text(saga.id.as_str());
        let operation = Operation::new(STARTING, Part::Start, &*id).touching("saga", &id);
        let operation = match saga.key {
            Some(key) => operation.touching("saga key", &key.digest.to_string()),
            None => operation,
        };
        operation.with(
            Part::Start,
            &super::start::change(saga, self.shared.worker.id(), 1),
        )
    }

    /// The saga under the id of the new one. Finding it as this store would have written it is the
    /// same as writing it: the first answer may have been lost. `None`: it is looked at as any other one.
    fn started(&self, saga: &NewSaga, there: &Present) -> Result<Option<Started>, StoreError> {
        if there.status == Status::Running
            && there.epoch == 1
            && there.owner == self.shared.worker.id()
            && there.nonce.as_ref() == Some(&super::start::nonce(saga))
        {
            return Ok(Some(Started::New(there.started_at)));
        }
        if saga.given {
            return Ok(None);
        }
        let text = format!("there is another saga with the id {}", there.id);
        Err(StoreError::refused(STARTING, text))
    }

    /// Deletes some of what is over, and writes nothing where nothing is.
    pub(super) async fn purge_of(
        &self,
        doing: &'static str,
        part: Part,
        subject: &'static str,
        retention: Duration,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let oldest = match part {
            Part::Purge => OLDEST_SAGA,
            _ => OLDEST_LETTER,
        };
        let retention = retention.as_secs_f64();
        let row = sqlx::query(oldest)
            .bind(retention)
            .fetch_one(self.shared.readers.get(doing)?)
            .await
            .map_err(|error| failure::reading(doing, error))?;
        if limit == 0 || !flag(&row, 0).map_err(|it| it.refused(doing))? {
            return Ok(0);
        }
        let operation = Operation::new(doing, part, subject)
            .touching("purge", subject)
            .with(part, &(retention, limit));
        let rows = self.write(operation).await?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}

pub(super) const OLDEST_SAGA: &str = "
SELECT EXISTS (
    SELECT 1 FROM resilience_sagas AS saga
    WHERE parent IS NULL AND status IN ('completed', 'compensated', 'failed', 'resolved')
      AND updated_at <= unixepoch('subsec') - ?1
      AND NOT EXISTS (
          WITH RECURSIVE family (id, status) AS (
              SELECT called.id, called.status FROM resilience_sagas AS called
              WHERE called.parent = saga.id
              UNION ALL
              SELECT called.id, called.status FROM family
              CROSS JOIN resilience_sagas AS called ON called.parent = family.id
          )
          SELECT 1 FROM family
          WHERE status NOT IN ('completed', 'compensated', 'failed', 'resolved')))";

pub(super) const OLDEST_LETTER: &str = "
SELECT EXISTS (
    SELECT 1 FROM resilience_dead_letters
    WHERE kind = 'work' AND status NOT IN ('open', 'retrying')
      AND updated_at <= unixepoch('subsec') - ?1)";
