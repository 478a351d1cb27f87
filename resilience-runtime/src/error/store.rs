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

    /// The error of a step that has had its effect without its record: its body has ended the transaction in which both were to
    /// be committed.
    pub(crate) fn unrecorded(
        doing: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            doing,
            effect: Effect::Ran,
            source: source.into(),
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
