//! What a saga is known by.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identity of one run of a saga: a UUID of version 7, so that rows lie in the order in which
/// sagas began.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SagaId(String);

impl SagaId {
    /// A new identity.
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

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Any text can be one: of a saga that is there, or that is started under it.
impl From<String> for SagaId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// As from a `String`.
impl From<&str> for SagaId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// As from a `String`, for tools that parse their arguments.
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
