//! Why a document was not stored.

use std::fmt;

/// What ingestions and their steps return.
pub type Result<T> = std::result::Result<T, IngestError>;

/// Why an ingestion, or one of its steps, failed.
#[derive(Debug)]
pub enum IngestError {
    /// A store did not do what it was asked. Another attempt may succeed.
    Store {
        /// Which of the four.
        store: &'static str,
        /// What it said, and what to do about it.
        why: String,
    },
    /// The file is not any more what it was when its ingestion began. Another attempt is useless.
    Source {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A policy's failure: an open circuit, a timeout, a record that could not be kept.
    Policy(resilience::Error),
}

impl From<resilience::Error> for IngestError {
    fn from(error: resilience::Error) -> Self {
        Self::Policy(error)
    }
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store { store, why } => write!(f, "the {store} store failed: {why}"),
            Self::Source { path, why } => write!(f, "{path} {why}"),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for IngestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Policy(error) => Some(error),
            Self::Store { .. } | Self::Source { .. } => None,
        }
    }
}

/// Why a command cannot do its work at all: printed, with exit status 2.
#[derive(Debug)]
pub struct StartError(pub String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}
