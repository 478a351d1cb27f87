//! A handle to a saga that runs elsewhere.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::answer;
use super::cancel;
use super::codec::Codec;
use super::journal::{CancelOutcome, SagaId, Status};
use super::waiting::{self, Waited};
use crate::core::Core;
use crate::error::{Error, StoreError};
use crate::operator::Operator;
use crate::outcome::Storable;

/// A handle to a saga, whichever process runs it: from [`start`](super::start()), [`start_in`](super::start_in), or, by
/// its id, from [`Sagas::handle`](super::Sagas::handle).
///
/// The saga's function returns `Result<T, E>`. A clone is a handle to the same saga. Dropping a handle does not affect
/// the saga.
pub struct SagaHandle<T, E> {
    core: Arc<Core>,
    id: SagaId,
    codec: Codec<T, E>,
    /// By when it is in the journal, or will not be.
    appears_by: Option<Instant>,
}

impl<T, E> SagaHandle<T, E> {
    pub(super) fn new(
        core: Arc<Core>,
        id: SagaId,
        codec: Codec<T, E>,
        appears_by: Option<Instant>,
    ) -> Self {
        Self {
            core,
            id,
            codec,
            appears_by,
        }
    }

    /// The id of the saga, by which this or any other process can find it again.
    #[must_use]
    pub fn id(&self) -> &SagaId {
        &self.id
    }

    /// Returns the status of the saga; `None` if it is not in the journal, because the transaction that starts it has not been
    /// committed, or because its retention is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<Option<Status>, StoreError> {
        let record = self.core.stores.journal.load(self.id.clone()).await?;
        Ok(record.map(|record| record.status))
    }

    /// Waits until the saga has ended or is waiting for an operator, and returns what its function returned.
    ///
    /// The end of a saga in this process is noticed at once; the journal is polled for the end of a saga in another process,
    /// every 500 ms at most. While the store is unreachable, the call goes on waiting. It has no time limit of its own: put a
    /// timeout around it.
    ///
    /// # Cancellation
    /// Dropping the future changes nothing, and the method can be called again.
    ///
    /// # Errors
    /// The function's own error, if its type has a JSON form; otherwise [`Error::SagaFailed`]. Besides,
    /// [`Error::SagaCancelled`], [`Error::SagaTimedOut`], [`Error::CompensationFailed`], [`Error::SagaParked`],
    /// [`Error::SagaNotFound`] and [`Error::Decode`], and [`Error::ShuttingDown`] when this process stops waiting.
    pub async fn result(&self) -> Result<T, E> {
        let id = &self.id;
        let answer = match waiting::until_over(&self.core, id, self.appears_by).await {
            Waited::Ended(record) => {
                let saga = answer::name(&self.core, &record);
                let ended = answer::ended(&self.core, saga, *record).await;
                self.codec.answer(ended)
            }
            Waited::Again => self
                .codec
                .refused(Error::SagaNotFound { id: id.to_string() }),
            Waited::ShuttingDown => self.codec.refused(Error::ShuttingDown {
                function: self.codec.function.name,
            }),
        };
        answer.into_result()
    }

    /// Requests the cancellation of the saga; the audit names `by`, which is an [`Operator`] or just a name. Answers `None` if
    /// the saga is not in the journal.
    ///
    /// The request is durable when the call returns, whichever process runs the saga. From then on no new step begins, steps
    /// that are under way get 30 s to end, and then the saga is undone; [`SagaHandle::result`] waits for that.
    ///
    /// # Cancellation
    /// If the future is dropped before it completes, the saga may be cancelled or not. It is safe to call again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel(
        &self,
        by: impl Into<Operator>,
    ) -> Result<Option<CancelOutcome>, StoreError> {
        cancel::request(&self.core, &self.id, by.into()).await
    }

    /// Makes the handle read the function's errors from the journal. A handle from [`start`](super::start()) does this
    /// anyway if the error type has a JSON form.
    #[must_use]
    pub fn with_errors(mut self) -> Self
    where
        E: Storable,
    {
        self.codec = self.codec.with_errors();
        self
    }
}

impl<T, E> Clone for SagaHandle<T, E> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            id: self.id.clone(),
            codec: self.codec,
            appears_by: self.appears_by,
        }
    }
}

impl<T, E> fmt::Debug for SagaHandle<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaHandle")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
