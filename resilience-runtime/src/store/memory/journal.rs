//! The saga journal.

mod advance;
mod park;
mod query;
mod start;
mod take;

use std::time::Duration;

use super::audit::Subject;
use super::{Data, MemoryStore};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, OrphanedSagas, Park, ParkOutcome, SagaCursor,
    SagaFilter, SagaId, SagaRecord, SagaStatistics, SagaSummary, SagaVersion, Started, Status,
    Written,
};
use crate::timestamp::Timestamp;

impl Journal for MemoryStore {
    fn start(&self, saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            data.start(saga, &asking)
        })
    }

    fn advance(
        &self,
        saga: SagaId,
        epoch: i64,
        advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            data.advance(&saga, epoch, advance, asking.now)
        })
    }

    fn take_over(
        &self,
        known: Vec<SagaVersion>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            Ok(data.take_over(&known, limit, &asking))
        })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.next_change())
    }

    fn take_parked(
        &self,
        known: Vec<SagaVersion>,
        parked_before: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            Ok(data.take_parked(&known, parked_before, limit, &asking))
        })
    }

    fn revive(
        &self,
        saga: SagaId,
        event: Event,
        by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            Ok(data.revive(&saga, event, by, &asking))
        })
    }

    fn cancel(
        &self,
        saga: SagaId,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            let Data { sagas, audit, .. } = &mut *data;
            let Some(found) = sagas.get_mut(&saga) else {
                return Ok(None);
            };
            let record = &mut found.record;
            Ok(Some(match record.status {
                Status::Running if record.pivoted => CancelOutcome::Pivoted,
                Status::Running => {
                    record.cancelled = true;
                    audit.write(&asking, by, "cancel", Subject::Saga(&saga));
                    self.announce();
                    CancelOutcome::Requested
                }
                status => CancelOutcome::NotRunning(status),
            }))
        })
    }

    fn park(
        &self,
        saga: SagaId,
        park: Park,
        by: Operator,
    ) -> BoxFuture<'_, Result<Option<ParkOutcome>, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            data.park(&saga, park, by, &asking)
        })
    }

    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>> {
        Box::pin(async move {
            let (data, asking) = self.asked();
            let cancelled = data
                .sagas
                .iter()
                .filter(|saga| saga.is_to_be_cancelled() && saga.belongs_to(&asking.owner));
            Ok(cancelled.map(|saga| saga.record.id.clone()).collect())
        })
    }

    fn load(&self, saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async move {
            let (data, asking) = self.asked();
            Ok(data.sagas.get(&saga).map(|saga| saga.read(asking.now)))
        })
    }

    fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>> {
        Box::pin(async move { Ok(self.data().sagas.list(&filter, after, limit)) })
    }

    fn now(&self) -> BoxFuture<'_, Result<Timestamp, StoreError>> {
        Box::pin(async move { Ok(self.asked().1.now) })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>> {
        Box::pin(async move { Ok(self.data().sagas.statistics()) })
    }

    fn orphaned(
        &self,
        known: Vec<SagaVersion>,
    ) -> BoxFuture<'_, Result<Vec<OrphanedSagas>, StoreError>> {
        Box::pin(async move { Ok(self.data().sagas.orphaned(&known)) })
    }

    fn purge(&self, retention: Duration, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let (mut data, asking) = self.asked();
            Ok(data.purge(retention, limit, asking.now))
        })
    }
}

/// As many as a caller asked for.
pub(super) fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
