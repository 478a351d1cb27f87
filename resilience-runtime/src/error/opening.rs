//! What opened a circuit breaker.

use std::fmt;
use std::sync::Arc;

/// The error that opened a circuit breaker, as text, where it can be told.
///
/// It is looked up when somebody asks, so that a rejection costs nothing for it. A breaker knows it
/// until it opens for another reason; an error type that is not `Display` cannot be told.
#[derive(Clone)]
pub struct Opening(Where);

#[derive(Clone)]
enum Where {
    Unknown,
    Known(Arc<str>),
}

impl Opening {
    /// Nobody knows.
    pub(crate) const UNKNOWN: Self = Self(Where::Unknown);

    /// Opened by this.
    pub(crate) fn because(text: Arc<str>) -> Self {
        Self(Where::Known(text))
    }

    /// The text of the error.
    #[must_use]
    pub fn text(&self) -> Option<Arc<str>> {
        match &self.0 {
            Where::Unknown => None,
            Where::Known(text) => Some(Arc::clone(text)),
        }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opening").field(&self.text()).finish()
    }
}
