//! Sagas that change their owner.

use sqlx::sqlite::SqliteRow;

use super::operation::Operation;
use super::record::{LOAD_SAGA, OwnedSaga, saga};
use super::rows::column;
use super::statements::Part;
use super::{HandedOver, SqliteStore, failure};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{SagaId, SagaRecord, Status, StepOutcome};
use crate::store::rows::{Columns, Unreadable, number, text};

impl SqliteStore {
    pub(super) async fn find(
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
            .fetch_all(self.shared.readers.get(doing)?)
            .await
            .map_err(|error| failure::reading(doing, error))?;
        Ok(saga(id, &rows))
    }

    /// Hands over the change of owner, from what `record` says to this store and `status`. The epoch makes it conditional on
    /// the owner that the saga had when it was read, which the caller knows to be gone or done with it.
    pub(super) async fn hand_over_acquire(
        &self,
        doing: &'static str,
        record: &SagaRecord,
        status: Status,
        by: Option<&Operator>,
    ) -> Result<HandedOver, StoreError> {
        let id = record.id.as_str();
        let action = match status {
            Status::Running => "retry",
            _ => "compensate",
        };
        let change = (
            id,
            record.epoch,
            record.status.as_str(),
            status.as_str(),
            self.shared.worker.id(),
            by.map(|_| action),
            by.map(|by| text(&by.name)),
            by.and_then(|by| by.reason.as_deref()).map(text),
        );
        let operation = Operation::new(doing, Part::Acquire, id)
            .touching("saga", id)
            .with(Part::Acquire, &change);
        self.hand_over(operation).await
    }

    /// The saga as it is under this owner, if `rows` say that this one got it.
    pub(super) async fn acquired(
        &self,
        doing: &'static str,
        mut record: SagaRecord,
        status: Status,
        rows: &[SqliteRow],
    ) -> Result<Option<SagaRecord>, StoreError> {
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let mut read = || {
            record.interruptions = number(row, 2)?;
            record.updated_at = row.moment(3)?;
            record.read_at = record.updated_at;
            Ok((column(row, 4)?, column(row, 5)?))
        };
        let steps: (i64, i64) = read().map_err(|it: Unreadable| it.in_doubt(doing))?;
        if steps != counted(&record) {
            // A transaction of a step was committed after the saga was read.
            return self.find(&record.id, doing).await;
        }
        record.status = status;
        record.parking = None;
        record.epoch += 1;
        Ok(Some(record))
    }

    /// Makes the saga this store's; `None` when somebody else was first.
    pub(super) async fn acquire(
        &self,
        doing: &'static str,
        record: SagaRecord,
        status: Status,
        by: Option<&Operator>,
    ) -> Result<Option<SagaRecord>, StoreError> {
        let answer = self.hand_over_acquire(doing, &record, status, by).await?;
        let rows = answer.answer().await?;
        self.acquired(doing, record, status, &rows).await
    }
}

/// How many steps there are, and how often one has come out or was undone, as the row of
/// [`Part::Acquire`] counts them.
fn counted(record: &SagaRecord) -> (i64, i64) {
    record.steps.iter().fold((0, 0), |(count, progress), step| {
        let came_out = i64::from(step.outcome != StepOutcome::InDoubt);
        (count + 1, progress + came_out + i64::from(step.undone))
    })
}
