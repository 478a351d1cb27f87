//! The error of a value that cannot be stored.

use std::error::Error as StdError;
use std::fmt;

/// Why a value cannot be part of a key or of a journal.
#[derive(Debug, Clone)]
pub struct EncodeError(pub(crate) String);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for EncodeError {}

impl From<serde_json::Error> for EncodeError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
