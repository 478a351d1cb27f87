//! Why an action on a dead letter was not carried out.

use std::error::Error as StdError;
use std::fmt;

use super::{DeadLetterId, DeadLetterStatus, RetryProgress};
use crate::error::StoreError;

/// Why an action on a dead letter was not carried out, and what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// There is no dead letter with this id.
    NotFound(DeadLetterId),
    /// The letter is closed or settled, or somebody is retrying it or working on its saga right now. With the letter's status.
    NotOpen(DeadLetterId, DeadLetterStatus),
    /// This process cannot do the work of the letter. Nothing was done.
    NoCode {
        /// The id of the letter.
        id: DeadLetterId,
        /// What this process lacks.
        missing: String,
    },
    /// The work was begun here, and continues in another process or after the next start.
    LeftBehind(DeadLetterId),
    /// The arguments of a letter that was to be added are longer than
    /// [`RuntimeBuilder::payload_limit`](crate::runtime::RuntimeBuilder::payload_limit).
    TooLarge {
        /// The length of the arguments as JSON, in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The arguments of a letter that was to be added have no JSON form.
    Encode(serde_json::Error),
    /// The runtime is shutting down. Nothing was done.
    ShuttingDown,
    /// The store failed. [`StoreError::effect`] says whether the action may have taken effect.
    Store(StoreError),
}

impl fmt::Display for DeadLetterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(id) => write!(
                f,
                "there is no dead letter {id}: none was written, or it was deleted after the `retention`"
            ),
            Self::NotOpen(id, status) => match status {
                DeadLetterStatus::Open => write!(
                    f,
                    "somebody works on the saga of dead letter {id} now: it is retried, or still being undone; wait \
                     for that, and look at it again"
                ),
                DeadLetterStatus::Retrying => write!(
                    f,
                    "somebody is retrying dead letter {id} now: wait for that, and look at it again"
                ),
                DeadLetterStatus::Settled => {
                    write!(
                        f,
                        "dead letter {id} is settled: its work was done after all"
                    )
                }
                DeadLetterStatus::Resolved | DeadLetterStatus::Discarded => {
                    write!(f, "dead letter {id} is closed: it is {}", status.as_str())
                }
            },
            Self::NoCode { id, missing } => write!(
                f,
                "dead letter {id} cannot be retried in this process: {missing}; `request_retry` asks the processes \
                 that can"
            ),
            Self::LeftBehind(id) => write!(
                f,
                "the retry of dead letter {id} was begun and is left to another process or to the next start; look at \
                 it again"
            ),
            Self::TooLarge { bytes, limit } => write!(
                f,
                "the arguments have {bytes} bytes, and a dead letter keeps {limit} at most: keep them elsewhere and \
                 add the letter with a reference, or raise `payload_limit` of the runtime"
            ),
            Self::Encode(source) => write!(f, "the arguments cannot be written as JSON: {source}"),
            Self::ShuttingDown => f.write_str("nothing was done: the runtime is shutting down"),
            Self::Store(source) => write!(f, "the dead letter queue could not be used: {source}"),
        }
    }
}

impl StdError for DeadLetterError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Encode(source) => Some(source),
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

/// Why [`DeadLetters::retry_all`](super::DeadLetters::retry_all) stopped early, and how far it got.
#[derive(Debug)]
#[non_exhaustive]
pub struct RetryAllError {
    /// What was done until then. Pass `progress.last` to [`RetryAll::after`](super::RetryAll::after) to continue from there.
    pub progress: RetryProgress,
    /// Why it stopped.
    pub source: StoreError,
}

impl fmt::Display for RetryAllError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { progress, source } = self;
        write!(
            f,
            "the retry of many ended after {} were requested",
            progress.requested
        )?;
        if let Some(last) = progress.last {
            write!(f, " (the last one looked at is {last})")?;
        }
        write!(f, ": {source}")
    }
}

impl StdError for RetryAllError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
