//! The journal and the queue of a runtime that keeps no sagas: its only store is Redis.

use std::time::Duration;

use crate::BoxFuture;
use crate::dlq::{
    AuditEntry, Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatistics,
    NewDeadLetter, Queue, RetryAs,
};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, CancelOutcome, Event, Journal, NewSaga, OrphanedSagas, Park, ParkOutcome, SagaCursor,
    SagaFilter, SagaId, SagaRecord, SagaStatistics, SagaSummary, SagaVersion, Started, Written,
};
use crate::timestamp::Timestamp;

/// Finds nothing, takes nothing, and refuses what is new.
pub(crate) struct Sagaless;

/// What to write instead of the URL of a Redis.
pub(crate) const INSTEAD: &str = "Runtime::builder(\"sqlite://app.db\").redis(url).open()";

type Answer<T> = BoxFuture<'static, Result<T, StoreError>>;

fn refused<T: Send + 'static>(doing: &'static str) -> Answer<T> {
    let reason = format!("Redis keeps no sagas; open the runtime with `{INSTEAD}`");
    Box::pin(async move { Err(StoreError::refused(doing, reason)) })
}

/// There is nothing.
fn nothing<T: Default + Send + 'static>() -> Answer<T> {
    Box::pin(async { Ok(T::default()) })
}

impl Journal for Sagaless {
    fn start(&self, _saga: NewSaga) -> BoxFuture<'_, Result<Started, StoreError>> {
        refused("starting a saga")
    }

    fn advance(
        &self,
        _saga: SagaId,
        _epoch: i64,
        _advance: Advance,
    ) -> BoxFuture<'_, Result<Written, StoreError>> {
        refused("writing down a saga")
    }

    fn take_over(
        &self,
        _known: Vec<SagaVersion>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        nothing()
    }

    fn take_parked(
        &self,
        _known: Vec<SagaVersion>,
        _parked_before: Timestamp,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        nothing()
    }

    fn revive(
        &self,
        _saga: SagaId,
        _event: Event,
        _by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        nothing()
    }

    fn cancel(
        &self,
        _saga: SagaId,
        _by: Operator,
    ) -> BoxFuture<'_, Result<Option<CancelOutcome>, StoreError>> {
        nothing()
    }

    fn park(
        &self,
        _saga: SagaId,
        _park: Park,
        _by: Operator,
    ) -> BoxFuture<'_, Result<Option<ParkOutcome>, StoreError>> {
        nothing()
    }

    fn cancelled(&self) -> BoxFuture<'_, Result<Vec<SagaId>, StoreError>> {
        nothing()
    }

    fn load(&self, _saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        nothing()
    }

    fn list(
        &self,
        _filter: SagaFilter,
        _after: Option<SagaCursor>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaSummary>, StoreError>> {
        nothing()
    }

    fn statistics(&self) -> BoxFuture<'_, Result<Vec<SagaStatistics>, StoreError>> {
        nothing()
    }

    fn orphaned(
        &self,
        _known: Vec<SagaVersion>,
    ) -> BoxFuture<'_, Result<Vec<OrphanedSagas>, StoreError>> {
        nothing()
    }

    fn purge(&self, _retention: Duration, _limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        nothing()
    }
}

impl Queue for Sagaless {
    fn add(
        &self,
        _letter: NewDeadLetter,
        _nonce: String,
        _by: Operator,
    ) -> BoxFuture<'_, Result<DeadLetterId, StoreError>> {
        refused("adding a dead letter")
    }

    fn list(
        &self,
        _filter: DeadLetterFilter,
        _after: Option<DeadLetterId>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        nothing()
    }

    fn get(&self, _id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        nothing()
    }

    fn close(
        &self,
        _id: DeadLetterId,
        _closing: Closing,
        _by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        nothing()
    }

    fn request_retry(
        &self,
        _id: DeadLetterId,
        _how: RetryAs,
        _by: Operator,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        nothing()
    }

    fn take_work(
        &self,
        _operations: Vec<String>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        nothing()
    }

    fn end_work(
        &self,
        _id: DeadLetterId,
        _failed: Option<String>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        nothing()
    }

    fn statistics(&self) -> BoxFuture<'_, Result<DeadLetterStatistics, StoreError>> {
        nothing()
    }

    fn unresolved(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        nothing()
    }

    fn audit(&self, _id: DeadLetterId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        nothing()
    }

    fn audit_of_saga(&self, _saga: SagaId) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        nothing()
    }

    fn purge_letters(
        &self,
        _retention: Duration,
        _limit: u32,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        nothing()
    }
}
