//! How the tool fails: what it says, and its exit status.

use std::fmt;
use std::process::ExitCode;

use resilience_runtime::dlq::{DeadLetterError, RetryAllError};
use resilience_runtime::error::StoreError;
use resilience_runtime::runtime::OpenError;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// Empty where everything was said before.
    pub(crate) message: String,
}

/// The exit statuses beside 0. 2 is also clap's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// It was tried and did not work out.
    Failed = 1,
    /// The command makes no sense.
    Usage = 2,
    /// There is no such saga or letter.
    NotFound = 3,
    /// It is not in a state in which this can be done: somebody else was first.
    Conflict = 4,
    /// The store cannot be reached, or not be used.
    Store = 5,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

impl FailureKind {
    /// For programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Store => "store",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(FailureKind::Store, error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::UnknownScheme { .. }
            | OpenError::NotBuilt { .. }
            | OpenError::NoPath { .. }
            | OpenError::UnknownOption { .. } => FailureKind::Usage,
            _ => FailureKind::Store,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<DeadLetterError> for Failure {
    fn from(error: DeadLetterError) -> Self {
        let kind = match &error {
            DeadLetterError::NotFound(_) => FailureKind::NotFound,
            DeadLetterError::NotOpen(..) => FailureKind::Conflict,
            DeadLetterError::Store(_) => FailureKind::Store,
            _ => FailureKind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<RetryAllError> for Failure {
    fn from(error: RetryAllError) -> Self {
        Self::new(FailureKind::Store, error.to_string())
    }
}
