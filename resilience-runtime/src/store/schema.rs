//! Which tables a store has.

use serde::Serialize;

/// The versions of the tables of this crate: those that a store has, and those that this build makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SchemaVersion {
    /// What the store has; 0 where it has none.
    pub found: i64,
    /// What this build makes of it when it opens it.
    pub known: i64,
}

impl SchemaVersion {
    /// Whether this build works on the store as it is.
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
