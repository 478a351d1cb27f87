//! The failure of a store.

use std::error::Error as StdError;
use std::fmt;

use super::Effect;

/// The failure of an operation of a store.
///
/// [`StoreError::effect`] says whether a write took effect: if the connection broke in the middle of a
/// commit, it may have.
#[derive(Debug)]
pub struct StoreError {
    doing: &'static str,
    effect: Effect,
    source: Box<dyn StdError + Send + Sync>,
}

impl StoreError {
    /// The error of an operation that certainly had no effect. `doing` says what the store was doing.
    pub fn refused(
        doing: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            doing,
            effect: Effect::DidNotRun,
            source: source.into(),
        }
    }

    /// The error of an operation that may have had its effect. `doing` says what the store was doing.
    pub fn in_doubt(
        doing: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            doing,
            effect: Effect::MayHaveRun,
            source: source.into(),
        }
    }

    /// The error of committing a step whose body has ended the transaction by itself, so that its effect cannot be one with its
    /// record any more. `doing` says what the store was doing.
    #[must_use]
    pub fn ended_by_body(doing: &'static str) -> Self {
        Self {
            doing,
            effect: Effect::Ran,
            source:
                "the body has ended the transaction: its effects may be there, and are not recorded"
                    .into(),
        }
    }

    /// Whether the operation took effect.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store failed while {}: {}", self.doing, self.source)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
