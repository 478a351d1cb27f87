//! What a failed call to SQLite means.

use std::fmt;

use crate::error::StoreError;

/// Why the writer could not do something; shared by all operations of a batch.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    text: String,
    certain: bool,
}

impl Failure {
    /// The changes are certainly not in the database.
    pub(super) fn without_effect(error: impl fmt::Display) -> Self {
        Self {
            text: error.to_string(),
            certain: true,
        }
    }

    /// The changes may be in the database.
    pub(super) fn in_doubt(error: impl fmt::Display) -> Self {
        Self {
            text: error.to_string(),
            certain: false,
        }
    }

    /// As the error of an operation.
    pub(super) fn into_error(self, doing: &'static str) -> StoreError {
        if self.certain {
            StoreError::refused(doing, self.text)
        } else {
            StoreError::in_doubt(doing, self.text)
        }
    }
}

/// SQLite's primary result code, when the error comes from SQLite.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i64> {
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// `SQLITE_BUSY`.
pub(super) const BUSY: i64 = 5;
/// `SQLITE_IOERR`.
const IOERR: i64 = 10;
/// `SQLITE_CORRUPT`.
pub(super) const CORRUPT: i64 = 11;
/// `SQLITE_FULL`.
const FULL: i64 = 13;
/// `SQLITE_NOTADB`.
pub(super) const NOTADB: i64 = 26;

/// Whether a failed batch can fail because of one of its operations: a constraint, a text that is
/// too long, or too much for what is left of the disk. Anything else concerns all of them.
pub(super) fn may_be_one_operation(error: &sqlx::Error) -> bool {
    const ERROR: i64 = 1;
    const TOOBIG: i64 = 18;
    const CONSTRAINT: i64 = 19;
    const MISMATCH: i64 = 20;
    matches!(
        primary_code(error),
        Some(ERROR | TOOBIG | CONSTRAINT | MISMATCH | FULL)
    )
}

/// Whether the batch is certainly not in the database, though SQLite had ended its transaction
/// before it was told to roll back. A failed write or sync of the log may have come after the last
/// page; a full disk comes before it.
pub(super) fn ended_without_effect(error: &sqlx::Error) -> bool {
    primary_code(error).is_some_and(|code| code != IOERR)
}

/// An error of a call that only reads.
pub(super) fn reading(doing: &'static str, error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolClosed => closed(doing),
        error => StoreError::refused(doing, error),
    }
}

/// The store was closed before this call.
pub(super) fn closed(doing: &'static str) -> StoreError {
    StoreError::refused(doing, "the store is closed")
}
