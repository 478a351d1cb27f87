//! The person who acts on a saga or a dead letter, and why.

use std::fmt;

/// Who acts on a saga or a dead letter, and why: for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who it is.
    pub name: String,
    /// Why they do it, in their own words.
    pub reason: Option<String>,
}

impl Operator {
    /// An operator who gives no reason.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            reason: None,
        }
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The program itself, for when no person is named.
    #[must_use]
    pub fn program() -> Self {
        Self::named("program")
    }
}

impl From<&str> for Operator {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

impl From<String> for Operator {
    fn from(name: String) -> Self {
        Self::named(name)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{} ({reason})", self.name),
            None => f.write_str(&self.name),
        }
    }
}
