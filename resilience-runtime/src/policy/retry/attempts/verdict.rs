//! What a predicate says of an outcome.

/// What [`Attempts::settle_if`](super::Attempts::settle_if) is told about an outcome: yes or no as a
/// `bool`, or one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Another attempt, after an error or a value.
    Again,
    /// No other attempt: it is the answer.
    Enough,
    /// What follows without a predicate: a value is the answer, and an error is judged by its
    /// origin and its type.
    AsUsual,
}

impl From<bool> for Verdict {
    #[inline]
    fn from(again: bool) -> Self {
        if again { Self::Again } else { Self::Enough }
    }
}
