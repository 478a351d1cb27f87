//! What a failed call to PostgreSQL means.

use crate::error::StoreError;

/// What is known after a statement failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The server refused it: it had no effect, and would be refused again.
    Refused,
    /// It had no effect, and may have one on another connection, or at another moment.
    Again,
    /// It had no effect: the server behind this connection, and probably behind the others, takes no writes any
    /// more, as after a fail-over that kept the connections.
    ReadOnly,
    /// The connection is lost, and with it the answer.
    Lost,
}

impl Meaning {
    /// Of an error that came while a statement was under way.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. } => Self::Refused,
                _ => Self::Lost,
            };
        };
        match database.code().as_deref() {
            // The server ends connections: it shuts down, an operator said so, it crashed.
            Some("57P01" | "57P02" | "57P03" | "57P05") => Self::Lost,
            Some(code) if code.starts_with("08") => Self::Lost,
            Some("25006") => Self::ReadOnly,
            // A conflict of transactions; a prepared statement that is gone, or whose tables have changed.
            Some("40001" | "40P01" | "26000" | "0A000") => Self::Again,
            _ => Self::Refused,
        }
    }
}

/// The error of a statement that may have been committed, or of one that was not.
pub(super) fn error(doing: &'static str, maybe_done: bool, error: sqlx::Error) -> StoreError {
    if maybe_done {
        StoreError::in_doubt(doing, error)
    } else {
        StoreError::refused(doing, error)
    }
}

/// The store was closed before this call.
pub(super) fn closed(doing: &'static str) -> StoreError {
    StoreError::refused(doing, "the store is closed")
}
