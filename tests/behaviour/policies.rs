//! Every local policy through its attribute: what a user sees of it.

mod breaker;
mod catalog;
mod deadline;
mod described;
mod drops;
mod fallback;
mod hedge;
mod limits;
mod operation;
mod retry;
mod single_flight;

use std::sync::atomic::{AtomicU32, Ordering};

use resilience::Error;

/// An error type that can carry everything.
#[derive(Debug)]
pub(crate) enum Failure {
    Busy,
    Declined,
    Policy(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("busy"),
            Self::Declined => f.write_str("declined"),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Policy(error) => error.source(),
            Self::Busy | Self::Declined => None,
        }
    }
}

/// How many times something ran.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU32);

impl Count {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(crate) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
