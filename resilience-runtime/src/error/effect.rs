//! What an error tells besides its text.

use std::error::Error as StdError;
use std::time::Duration;

use super::{Effect, Error};

impl Error {
    /// Whether the body ran. A caller needs to know this before it calls again.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::CircuitOpen { .. }
            | Self::BulkheadFull { .. }
            | Self::RateLimited { .. }
            | Self::NameConflict { .. }
            | Self::NoRuntime { .. }
            | Self::ShuttingDown { .. }
            | Self::MissingState { .. }
            | Self::InProgress { .. }
            | Self::KeyReused { .. }
            | Self::KeyMissing { .. }
            | Self::LockBusy { .. }
            | Self::Recursive { .. }
            | Self::Encode { .. }
            | Self::Store { .. }
            | Self::SagaConflict { .. } => Effect::DidNotRun,
            Self::TimedOut { .. }
            | Self::LeaseLost { .. }
            | Self::StartInDoubt { .. }
            | Self::Decode { .. }
            | Self::JournalMismatch { .. }
            | Self::SagaParked { .. }
            | Self::SagaNotFound { .. }
            | Self::NoSagaStarted
            | Self::Superseded { .. } => Effect::MayHaveRun,
            Self::RetryBudgetExhausted { effect, .. } | Self::DeadlineTooClose { effect, .. } => {
                *effect
            }
            Self::NotRecorded { .. }
            | Self::ResultLost { .. }
            | Self::SchemaChanged { .. }
            | Self::JoinedFailure { .. }
            | Self::SagaFailed { .. }
            | Self::SagaCancelled { .. }
            | Self::SagaTimedOut { .. }
            | Self::CompensationFailed { .. } => Effect::Ran,
        }
    }

    /// How long it will be until a new call may be admitted, if the policy that refused this one knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CircuitOpen { retry_after, .. } | Self::RateLimited { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::InProgress { lease_left, .. } | Self::LockBusy { lease_left, .. } => *lease_left,
            _ => None,
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Encode { source, .. } => Some(source),
            Self::Decode { source, .. } => Some(source),
            Self::RetryBudgetExhausted { source, .. }
            | Self::DeadlineTooClose {
                source: Some(source),
                ..
            } => Some(&**source),
            Self::Store { source, .. } | Self::StartInDoubt { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Makes it possible to annotate functions that return `std::io::Result`. Users could not write this
/// conversion themselves, because neither of the types is theirs.
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::TimedOut { .. } | Error::DeadlineTooClose { .. } => std::io::ErrorKind::TimedOut,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
