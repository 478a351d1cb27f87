//! A point in time as a number: small enough for an atomic, and the same for every clock.

use std::time::Duration;

/// Nanoseconds since a point that all moments of the process share; before it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// Later than all others.
    pub(crate) const NEVER: Self = Self(i64::MAX);

    /// `self + wait`, or [`Moment::NEVER`] where the number ends.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(wait)))
    }

    /// How long it is from `earlier` to `self`; zero when it is not earlier.
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanoseconds_since(earlier))
    }

    /// The same as a number.
    #[inline]
    pub(crate) fn nanoseconds_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// As many as an `i64` can hold.
#[inline]
pub(crate) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
        .and_then(|nanos| nanos.checked_add(time.subsec_nanos().into()))
        .unwrap_or(i64::MAX)
}
