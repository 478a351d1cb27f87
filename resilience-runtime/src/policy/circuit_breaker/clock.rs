//! Tokio's clock, as moments.

use std::sync::OnceLock;

use tokio::time::Instant;

use super::moment::{Moment, nanoseconds};

/// The point that moments are counted from: the first time that one was asked for.
static START: OnceLock<Instant> = OnceLock::new();

impl Moment {
    #[inline]
    pub(crate) fn now() -> Self {
        Self::at(Instant::now())
    }

    /// A paused clock may stand before the start, which another runtime's clock has set.
    #[inline]
    pub(crate) fn at(instant: Instant) -> Self {
        let start = *START.get_or_init(|| instant);
        match instant.checked_duration_since(start) {
            Some(since) => Self(nanoseconds(since)),
            None => Self::before(start, instant),
        }
    }

    #[cold]
    #[inline(never)]
    fn before(start: Instant, instant: Instant) -> Self {
        Self(-nanoseconds(start - instant))
    }
}
