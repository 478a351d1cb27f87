//! `#[retry]`: another attempt after a failure.

mod attempts;
mod backoff;

use std::time::Duration;

pub use attempts::{Attempts, Pause};
pub use backoff::{Backoff, Jitter};

/// How often a call is attempted, and how long it pauses in between.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::retry::{Backoff, Jitter, Retry};
/// const RETRY: Retry = Retry::max_attempts(4)
///     .backoff(Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(5)))
///     .jitter(Jitter::Full);
/// ```
///
/// Every error of the body is tried again, and so is a failure of an inner policy where that can
/// help; [`Attempts`] has the rules. The caller gets the last error unchanged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    max_attempts: u32,
    backoff: Backoff,
    jitter: Jitter,
}

impl Retry {
    /// The number of attempts of [`Retry::default`]: 4, the first call included.
    pub const DEFAULT_MAX_ATTEMPTS: u32 = 4;
    /// The pauses where none are chosen: from 1 s, doubled each time, 30 s at most.
    pub const DEFAULT_BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1));
    /// The jitter where none is chosen: [`Jitter::Full`].
    pub const DEFAULT_JITTER: Jitter = Jitter::Full;

    /// At most this many attempts, the first call included, with the default pauses.
    ///
    /// # Panics
    /// When `max_attempts` is less than 2, which in a `const` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max_attempts(max_attempts: u32) -> Self {
        assert!(
            max_attempts >= 2,
            "`max_attempts` counts the first call too: a retry needs at least 2"
        );
        Self {
            max_attempts,
            backoff: Self::DEFAULT_BACKOFF,
            jitter: Self::DEFAULT_JITTER,
        }
    }

    /// How long to pause before each further attempt.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How the pauses of different callers are spread.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The attempts of one call.
    #[must_use]
    pub const fn attempts(self) -> Attempts {
        Attempts::of(self)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::max_attempts(Self::DEFAULT_MAX_ATTEMPTS)
    }
}
