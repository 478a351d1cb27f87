//! What opened a circuit breaker.

use std::fmt;
use std::sync::Arc;

/// The error that opened a circuit breaker, as text, if it is known.
///
/// The text is looked up only when [`text`](Self::text) is called, so a rejection does not pay for it.
/// A breaker keeps it until it opens for another reason. There is no text for an error type that does not
/// implement `Display`.
#[derive(Clone, Copy)]
pub struct Opening(Option<Where>);

/// Who knows, and the key under which it does.
#[derive(Clone, Copy)]
struct Where {
    breaker: &'static dyn Opened,
    key: Key,
}

/// A key, hashed; zero where there are none.
pub(crate) type Key = [u64; 2];

/// What can say what opened it.
pub(crate) trait Opened: Sync {
    /// The text of the error that did it last.
    fn cause(&'static self, key: Key) -> Option<Arc<str>>;
}

impl Opening {
    /// Nobody knows.
    #[cfg(test)]
    pub(crate) const UNKNOWN: Self = Self(None);

    /// This breaker knows.
    #[inline]
    pub(crate) const fn of(breaker: &'static dyn Opened, key: Key) -> Self {
        Self(Some(Where { breaker, key }))
    }

    /// The text of the error; `None` if it is not known.
    #[must_use]
    pub fn text(&self) -> Option<Arc<str>> {
        self.0.and_then(|known| known.breaker.cause(known.key))
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opening").field(&self.text()).finish()
    }
}
