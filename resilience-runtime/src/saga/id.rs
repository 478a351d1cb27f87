//! The id of a saga.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a saga: a text that its author chose, or a UUID. A new saga without a key usually has a UUID of version 7, so
/// that rows are stored in the order in which sagas began.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SagaId(String);

impl SagaId {
    /// Generates a new id: a UUID of version 7.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The identity that a digest stands for: a UUID of version 8.
    pub(crate) fn of_digest(digest: &[u8]) -> Self {
        let mut bytes = [0; 16];
        for (byte, from) in bytes.iter_mut().zip(digest) {
            *byte = *from;
        }
        Self(uuid::Uuid::new_v8(bytes).to_string())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Any text can be an id, whether or not there is a saga with it.
impl From<String> for SagaId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Like the conversion from a `String`.
impl From<&str> for SagaId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Like the conversion from a `String`, for tools that parse their arguments.
impl FromStr for SagaId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
