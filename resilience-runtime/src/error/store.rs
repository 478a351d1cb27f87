//! The failure of a store.

use std::error::Error as StdError;
use std::fmt;

use super::Effect;

/// A store could not do what it was asked.
///
/// Whether the write took effect is [`StoreError::effect`]: a store that went away in the middle
/// of a commit may have done it.
#[derive(Debug)]
pub struct StoreError {
    doing: &'static str,
    effect: Effect,
    source: Box<dyn StdError + Send + Sync>,
}

impl StoreError {
    /// An operation that certainly had no effect.
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

    /// An operation whose effect is unknown.
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
