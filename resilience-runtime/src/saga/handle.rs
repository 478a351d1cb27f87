//! A saga that somebody else runs, for whoever wants to know what becomes of it.

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

/// A saga, whoever runs it: from [`start`](super::start()), [`start_in`](super::start_in), or, by its id, from
/// [`Sagas::handle`](super::Sagas::handle).
///
/// `T` and `E` are what its function returns. A clone is a handle to the same saga; dropped, it changes nothing.
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

    /// The id of the saga, by which it is found again in this process or another one.
    #[must_use]
    pub fn id(&self) -> &SagaId {
        &self.id
    }

    /// Where the saga stands; `None` when the journal does not have it: the transaction that starts it is not committed,
    /// or it was purged.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn status(&self) -> Result<Option<Status>, StoreError> {
        let record = self.core.stores.journal.load(self.id.clone()).await?;
        Ok(record.map(|record| record.status))
    }

    /// Waits until the saga has ended, or waits for an operator, and answers what its function answered. The end of one that
    /// runs in this process is heard of at once; one of another process is looked for every 500 ms at most. A store that is
    /// away is waited for. There is no bound: put it under a timeout. Dropped, it changes nothing, and can be asked again.
    ///
    /// # Errors
    /// The function's own error, where its type has a JSON form; else [`Error::SagaFailed`]. [`Error::SagaCancelled`],
    /// [`Error::SagaTimedOut`], [`Error::CompensationFailed`], [`Error::SagaParked`], [`Error::SagaNotFound`],
    /// [`Error::Decode`]; [`Error::ShuttingDown`], when this process does not wait any longer.
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

    /// Asks to cancel the saga, for the audit in the name of `by`: an [`Operator`], or just a name. Durable when it answers,
    /// whoever runs the saga. No new step begins then, those under way have 30 s to come out, and what is done is undone;
    /// [`SagaHandle::result`] waits for that. `None` when there is no such saga.
    ///
    /// # Cancellation
    /// Dropped before it answers, the saga may be cancelled or not: ask again.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn cancel(
        &self,
        by: impl Into<Operator>,
    ) -> Result<Option<CancelOutcome>, StoreError> {
        cancel::request(&self.core, &self.id, by.into()).await
    }

    /// The same handle, which reads the errors of the function from the journal. One from [`start`](super::start()) does
    /// that anyway, where their type has a JSON form.
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
