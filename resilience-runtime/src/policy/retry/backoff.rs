//! How long to pause between attempts.

use std::time::Duration;

/// The pauses between the attempts of one call, before jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    first: Duration,
    growth: Growth,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Growth {
    Fixed,
    Exponential { factor: f64, max: Duration },
}

impl Backoff {
    /// What each pause of an exponential backoff is multiplied by, where nothing else is chosen.
    pub const DEFAULT_FACTOR: f64 = 2.0;
    /// The longest pause of an exponential backoff, where nothing else is chosen and the first
    /// pause is no longer than this.
    pub const DEFAULT_MAX: Duration = Duration::from_secs(30);

    /// The same pause before every further attempt. Zero is allowed: the next attempt follows at
    /// once.
    #[must_use]
    pub const fn fixed(pause: Duration) -> Self {
        Self {
            first: pause,
            growth: Growth::Fixed,
        }
    }

    /// A pause of `first` before the second attempt, each following one twice as long as the one
    /// before it, and none over 30 s (or over `first`, where that is longer).
    ///
    /// # Panics
    /// When `first` is zero, which in a `const` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn exponential(first: Duration) -> Self {
        assert!(
            !first.is_zero(),
            "an exponential backoff that starts at zero stays there: give it a first pause, or \
             use a fixed backoff"
        );
        let max = if first.as_nanos() > Self::DEFAULT_MAX.as_nanos() {
            first
        } else {
            Self::DEFAULT_MAX
        };
        Self {
            first,
            growth: Growth::Exponential {
                factor: Self::DEFAULT_FACTOR,
                max,
            },
        }
    }

    /// What each pause is multiplied by to get the next.
    ///
    /// # Panics
    /// When the backoff is fixed, or `factor` is less than 1 or not a finite number. In a `const`
    /// item that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn factor(mut self, factor: f64) -> Self {
        assert!(
            factor.is_finite() && factor >= 1.0,
            "the factor of a backoff must be a finite number, at least 1"
        );
        let (_, max) = self.growing();
        self.growth = Growth::Exponential { factor, max };
        self
    }

    /// The longest pause.
    ///
    /// # Panics
    /// When the backoff is fixed, or `max` is less than the first pause. In a `const` item that is
    /// a compile error.
    #[must_use]
    #[track_caller]
    pub const fn max(mut self, max: Duration) -> Self {
        assert!(
            max.as_nanos() >= self.first.as_nanos(),
            "the longest pause of a backoff must not be shorter than its first one"
        );
        let (factor, _) = self.growing();
        self.growth = Growth::Exponential { factor, max };
        self
    }

    #[track_caller]
    #[expect(
        clippy::panic,
        reason = "in a `const` item, where policies are made, this is a compile error"
    )]
    const fn growing(&self) -> (f64, Duration) {
        match self.growth {
            Growth::Exponential { factor, max } => (factor, max),
            Growth::Fixed => {
                panic!(
                    "a fixed backoff has neither a factor nor a longest pause: use `exponential`"
                )
            }
        }
    }

    /// No pause is longer than this.
    pub(super) fn longest(&self) -> Duration {
        match self.growth {
            Growth::Fixed => self.first,
            Growth::Exponential { max, .. } => max,
        }
    }

    /// The pause after this many attempts, at least one, before jitter.
    pub(super) fn after_attempts(&self, attempts: u32) -> Duration {
        match self.growth {
            Growth::Fixed => self.first,
            Growth::Exponential { factor, max } => {
                let steps = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
                // Infinite, or too long for a `Duration`, is over `max` too.
                let seconds = self.first.as_secs_f64() * factor.powi(steps);
                Duration::try_from_secs_f64(seconds).map_or(max, |pause| pause.min(max))
            }
        }
    }
}

/// How a pause is varied, so that callers which failed together do not come back together.
///
/// Every pause of every call is drawn anew. No jitter makes a pause longer than the backoff has
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Jitter {
    /// Anything from no pause to the whole one, uniformly: spreads the most.
    #[default]
    Full,
    /// Anything from half the pause to the whole one, uniformly: keeps a least pause.
    Equal,
    /// The whole pause, always.
    None,
}

impl Jitter {
    /// A pause of at most `pause`.
    pub(super) fn apply(self, pause: Duration) -> Duration {
        match self {
            Self::Full => up_to(pause),
            Self::Equal => {
                let rest = pause / 2;
                (pause - rest) + up_to(rest)
            }
            Self::None => pause,
        }
    }
}

/// Uniform from zero to `longest`, both included. From 584 years on, the most is 584 years.
fn up_to(longest: Duration) -> Duration {
    let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(fastrand::u64(0..=nanos))
}
