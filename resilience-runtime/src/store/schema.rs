//! The versions of a store's tables.

use serde::Serialize;

/// The version of the tables that a store has, and the version that this build uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SchemaVersion {
    /// The version in the store; 0 if it has no tables of this crate.
    pub found: i64,
    /// The version to which this build migrates the store when it opens it.
    pub known: i64,
}

impl SchemaVersion {
    /// Whether this build can use the store as it is.
    #[must_use]
    pub fn is_current(self) -> bool {
        self.found == self.known
    }

    /// Whether the store was opened by a newer version of this crate, so that this one must not touch it.
    #[must_use]
    pub fn is_newer(self) -> bool {
        self.found > self.known
    }
}
