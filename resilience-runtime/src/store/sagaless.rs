//! The journal and the queue of a runtime that keeps no sagas: its only store is Redis.

use crate::BoxFuture;
use crate::dlq::{DeadLetter, DeadLetterId, LetterFilter, Queue};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{
    Advance, Event, Journal, Known, NewSaga, SagaId, SagaRecord, Started, Written,
};

/// Finds nothing and takes nothing.
pub(crate) struct Sagaless;

/// What to write instead of the URL of a Redis.
pub(crate) const INSTEAD: &str = "Runtime::builder(\"sqlite://app.db\").redis(url).open()";

fn refused<T: Send + 'static>(doing: &'static str) -> BoxFuture<'static, Result<T, StoreError>> {
    let reason = format!("Redis keeps no sagas; open the runtime with `{INSTEAD}`");
    Box::pin(async move { Err(StoreError::refused(doing, reason)) })
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
        _known: Vec<Known>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<SagaRecord>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn revive(
        &self,
        _saga: SagaId,
        _event: Event,
        _by: Option<Operator>,
    ) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn load(&self, _saga: SagaId) -> BoxFuture<'_, Result<Option<SagaRecord>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

impl Queue for Sagaless {
    fn list(
        &self,
        _filter: LetterFilter,
        _after: Option<DeadLetterId>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn get(&self, _id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}
