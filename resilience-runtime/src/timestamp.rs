//! A point in time by the clock of a store.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time by the clock of a store, in microseconds since 1970. Prints as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time that is this many microseconds after the beginning of 1970, in UTC.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The current time by the clock of this machine: for stores that use this clock.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(micros(since.unwrap_or_default()))
    }

    /// Microseconds since the beginning of 1970, in UTC.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time `duration` later, or the latest time that can be represented.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The time `duration` earlier, or the earliest time that can be represented.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How much time has passed since `earlier`; zero if `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last moment with a year of four digits.
        const LAST: u64 = 253_402_300_799_999_999;
        let micros = u64::try_from(self.0).unwrap_or(0).min(LAST);
        let since = UNIX_EPOCH + Duration::from_micros(micros);
        humantime::format_rfc3339_micros(since).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_rfc_3339() {
        let text = |micros| Timestamp::from_micros(micros).to_string();
        assert_eq!(text(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(text(951_827_696_000_001), "2000-02-29T12:34:56.000001Z");
        assert_eq!(text(4_102_444_799_999_999), "2099-12-31T23:59:59.999999Z");
        assert_eq!(text(-1), text(0));
        assert_eq!(text(i64::MAX), "9999-12-31T23:59:59.999999Z");
    }
}
