//! What an operator does with dead letters.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::{Closing, DeadLetter, DeadLetterId, DeadLetterStatus, LetterFilter};
use crate::core::Core;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{Event, SagaId};
use crate::saga::{Undoing, Undone, Unstoppable, undo};

/// The dead letter queue, from
/// [`Runtime::dead_letters`](crate::runtime::Runtime::dead_letters).
pub struct DeadLetters {
    core: Arc<Core>,
}

/// What [`DeadLetters::retry`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// Everything that was left is undone; the entry is settled.
    Settled,
    /// A compensation failed for good again. The entry is open, with this step and error.
    FailedAgain {
        /// The step whose compensation failed; a later one of the saga than before, if the one
        /// of the entry succeeded this time.
        step: String,
        /// The text of its error.
        error: String,
    },
}

/// Why an operator's action did not happen.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// There is no entry with this id.
    NotFound(DeadLetterId),
    /// The entry is not open: it was settled or resolved, or another operator is retrying it.
    NotOpen(DeadLetterId),
    /// The work was begun, and goes on in another process or after the next start.
    LeftBehind(DeadLetterId),
    /// The runtime is shutting down. Nothing was done.
    ShuttingDown,
    /// The store could not be asked.
    Store(StoreError),
}

impl DeadLetters {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A page of the entries with this status, oldest first: at most `limit`, from after the entry
    /// `after`, which is the last one of the page before.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn list(
        &self,
        status: DeadLetterStatus,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let filter = LetterFilter {
            statuses: vec![status],
            ..LetterFilter::default()
        };
        self.core.stores.queue.list(filter, after, limit).await
    }

    /// One entry, or `None`.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn get(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        self.core.stores.queue.get(id).await
    }

    /// Undoes what is left of the entry's saga: the failed compensation first, then those of the
    /// steps before it. An entry of a saga whose journal does not match the code is retried by
    /// undoing every step that the journal has.
    ///
    /// The entry is settled in the commit that ends the saga. Of two operators, one retries and
    /// the other is told [`DeadLetterError::NotOpen`]. Dropping the future does not stop the work,
    /// and after a crash recovery finishes it. Compensations run in this process, which has to
    /// have their code and their state.
    ///
    /// # Errors
    /// See [`DeadLetterError`]. A compensation that fails again is no error, but
    /// [`Retried::FailedAgain`].
    pub async fn retry(&self, id: DeadLetterId) -> Result<Retried, DeadLetterError> {
        let permit = self.core.enter().ok_or(DeadLetterError::ShuttingDown)?;
        let letter = self.get(id).await?.ok_or(DeadLetterError::NotFound(id))?;
        if letter.status != DeadLetterStatus::Open {
            return Err(DeadLetterError::NotOpen(id));
        }
        let core = Arc::clone(&self.core);
        let work = Unstoppable::new(async move {
            let _permit = permit;
            let Some(record) = core
                .stores
                .journal
                .revive(
                    letter
                        .saga
                        .unwrap_or_else(|| SagaId::from_stored(String::new())),
                    Event::Compensate,
                    None,
                )
                .await?
            else {
                return Err(DeadLetterError::NotOpen(id));
            };
            Ok(undo(&core, Undoing::of(&core, record)).await)
        });
        match work.await? {
            Undone::Compensated => Ok(Retried::Settled),
            Undone::Stuck { step, error } => Ok(Retried::FailedAgain { step, error }),
            Undone::Stopped(_) => Err(DeadLetterError::LeftBehind(id)),
        }
    }

    /// Closes an open entry with a note, and its saga as compensated: an operator did by hand what
    /// was left. Nothing is run.
    ///
    /// # Errors
    /// See [`DeadLetterError`].
    pub async fn resolve(
        &self,
        id: DeadLetterId,
        note: impl Into<String>,
    ) -> Result<(), DeadLetterError> {
        match self
            .core
            .stores
            .queue
            .close(id, Closing::Resolve(note.into()), Operator::program())
            .await?
        {
            true => Ok(()),
            false if self.get(id).await?.is_some() => Err(DeadLetterError::NotOpen(id)),
            false => Err(DeadLetterError::NotFound(id)),
        }
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

impl fmt::Display for DeadLetterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(id) => write!(f, "there is no dead letter {id}"),
            Self::NotOpen(id) => write!(
                f,
                "dead letter {id} is not open: it was settled or resolved, or another operator is \
                 retrying it now; look at it again"
            ),
            Self::LeftBehind(id) => write!(
                f,
                "the retry of dead letter {id} was begun and is left to another process or to the \
                 next start; look at it again"
            ),
            Self::ShuttingDown => f.write_str("nothing was done: the runtime is shutting down"),
            Self::Store(source) => write!(f, "the dead letter queue could not be used: {source}"),
        }
    }
}

impl StdError for DeadLetterError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Store(source) => Some(source),
            _ => None,
        }
    }
}

impl From<StoreError> for DeadLetterError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
