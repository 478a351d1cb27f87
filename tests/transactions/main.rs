//! `#[idempotent(tx = conn)]` on real databases: claim, effect and result are one commit.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// The error of the functions here.
#[derive(Debug)]
pub(crate) enum PayError {
    Declined,
    #[expect(dead_code, reason = "shown where a test fails")]
    Database(String),
    Policy(resilience::Error),
}

impl From<resilience::Error> for PayError {
    fn from(error: resilience::Error) -> Self {
        Self::Policy(error)
    }
}

impl From<sqlx::Error> for PayError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// The policy's failure.
pub(crate) fn policy<T: std::fmt::Debug>(result: Result<T, PayError>) -> resilience::Error {
    match result {
        Err(PayError::Policy(error)) => error,
        other => panic!("no policy failed: {other:?}"),
    }
}
