//! How long to pause between attempts.

mod jitter;

use std::fmt;
use std::time::Duration;

pub use jitter::Jitter;
use jitter::uniform;

/// The pauses between the attempts of one call, before jitter.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    /// Of a fixed backoff, `first`.
    max: Duration,
    growth: Growth,
}

#[derive(Debug, Clone, Copy)]
enum Growth {
    Fixed,
    Linear { step: Duration },
    Exponential { factor: f64 },
    Decorrelated,
    Custom(fn(u32) -> Duration),
}

impl Backoff {
    /// The default factor by which each pause of an exponential backoff grows.
    pub const DEFAULT_FACTOR: f64 = 2.0;
    /// The default for the longest pause of a backoff that is not fixed; if the first pause is longer,
    /// that is the longest.
    pub const DEFAULT_MAX: Duration = Duration::from_secs(30);
    /// So many pauses are added up one by one; each further one is taken for the longest.
    const ADDED_UP: u32 = 1_000;

    /// The same pause before every further attempt. Zero is allowed: the next attempt follows at
    /// once.
    #[must_use]
    pub const fn fixed(pause: Duration) -> Self {
        Self {
            first: pause,
            max: pause,
            growth: Growth::Fixed,
        }
    }

    /// A pause of `first` before the second attempt; each following pause is longer by `first` (or by
    /// [`Backoff::step`]), up to 30 s (or up to `first`, if that is longer).
    #[must_use]
    pub const fn linear(first: Duration) -> Self {
        Self::growing(first, Growth::Linear { step: first })
    }

    /// A pause of `first` before the second attempt; each following pause is twice as long as the one
    /// before it, up to 30 s (or up to `first`, if that is longer).
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
        let factor = Self::DEFAULT_FACTOR;
        Self::growing(first, Growth::Exponential { factor })
    }

    /// Each pause is drawn at random between `first` and three times the previous pause, up to 30 s (or
    /// up to `first`, if that is longer).
    ///
    /// The pauses are random already, so it cannot be combined with a [`Jitter`]. It is the
    /// "decorrelated jitter" of Marc Brooker, *Exponential Backoff And Jitter*, AWS Architecture
    /// Blog, 2015: `sleep = min(max, uniform(first, previous * 3))`.
    ///
    /// # Panics
    /// When `first` is zero, which in a `const` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn decorrelated(first: Duration) -> Self {
        assert!(
            !first.is_zero(),
            "a decorrelated backoff that starts at zero stays there: give it a first pause, or \
             use a fixed backoff"
        );
        Self::growing(first, Growth::Decorrelated)
    }

    /// The pauses that `pause` returns for the number of attempts made so far, from 1, up to 30 s or
    /// [`Backoff::max`].
    #[must_use]
    pub const fn custom(pause: fn(u32) -> Duration) -> Self {
        Self::growing(Duration::ZERO, Growth::Custom(pause))
    }

    const fn growing(first: Duration, growth: Growth) -> Self {
        Self {
            first,
            max: longer(first, Self::DEFAULT_MAX),
            growth,
        }
    }

    /// The factor by which each pause of an exponential backoff is multiplied to get the next one.
    ///
    /// # Panics
    /// When the backoff is not exponential, or `factor` is less than 1 or not a finite number. In a
    /// `const` item that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn factor(mut self, factor: f64) -> Self {
        assert!(
            matches!(self.growth, Growth::Exponential { .. }),
            "only an exponential backoff has a factor: use `exponential`, or leave it out"
        );
        assert!(
            factor.is_finite() && factor >= 1.0,
            "the factor of a backoff must be a finite number, at least 1"
        );
        self.growth = Growth::Exponential { factor };
        self
    }

    /// By how much each pause of a linear backoff is longer than the one before it.
    ///
    /// # Panics
    /// When the backoff is not linear, which in a `const` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn step(mut self, step: Duration) -> Self {
        assert!(
            matches!(self.growth, Growth::Linear { .. }),
            "only a linear backoff has a step: use `linear`, or leave it out"
        );
        self.growth = Growth::Linear { step };
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
            !matches!(self.growth, Growth::Fixed),
            "a fixed backoff has no longest pause: all are the same"
        );
        assert!(
            max.as_nanos() >= self.first.as_nanos(),
            "the longest pause of a backoff must not be shorter than its first one"
        );
        self.max = max;
        self
    }

    /// How long all pauses between this many attempts take together, at most. Nobody who asks for a
    /// longer pause is counted: an error, or an inner policy, that names a time.
    ///
    /// From the thousandth pause on each is taken for the longest.
    #[must_use]
    pub const fn longest_total(&self, attempts: u32) -> Duration {
        let mut total = Duration::ZERO;
        let mut made = 1;
        while made < attempts {
            let pause = self.longest_after(made);
            if made >= Self::ADDED_UP || pause.as_nanos() == self.max.as_nanos() {
                let rest = self.max.saturating_mul(attempts - made);
                return total.saturating_add(rest);
            }
            total = total.saturating_add(pause);
            made += 1;
        }
        total
    }

    /// The shortest that the first pause can be.
    pub(in crate::policy) const fn shortest_first(&self, jitter: Jitter) -> Duration {
        match (self.growth, jitter) {
            (Growth::Custom(_), _) => Duration::ZERO,
            (Growth::Decorrelated, _) => self.first,
            (_, jitter) => jitter.least(self.first),
        }
    }

    /// No pause is longer than this.
    pub(in crate::policy) const fn longest(&self) -> Duration {
        self.max
    }

    /// Whether the pauses are left to chance without a jitter.
    pub(super) const fn is_drawn(&self) -> bool {
        matches!(self.growth, Growth::Decorrelated)
    }

    /// The pause after this many attempts, at least one, before jitter. `previous` is the pause
    /// before the last of them.
    pub(super) fn pause_after(&self, attempts: u32, previous: Option<Duration>) -> Duration {
        match self.growth {
            Growth::Decorrelated => {
                let longest = previous.unwrap_or(self.first).saturating_mul(3);
                uniform(self.first, longest).min(self.max)
            }
            Growth::Custom(pause) => pause(attempts).min(self.max),
            Growth::Fixed | Growth::Linear { .. } | Growth::Exponential { .. } => {
                self.longest_after(attempts)
            }
        }
    }

    /// The longest that the pause after this many attempts can be.
    const fn longest_after(&self, attempts: u32) -> Duration {
        let steps = attempts.saturating_sub(1);
        let pause = match self.growth {
            Growth::Fixed => self.first,
            Growth::Linear { step } => self.first.saturating_add(step.saturating_mul(steps)),
            Growth::Exponential { factor } => self.times(power(factor, steps)),
            Growth::Decorrelated => self.times(power(3.0, attempts)),
            Growth::Custom(_) => self.max,
        };
        shorter(pause, self.max)
    }

    /// The first pause, so many times; the longest pause where that is longer, also where it is too
    /// long for a `Duration`, or infinite.
    const fn times(&self, factor: f64) -> Duration {
        let seconds = self.first.as_secs_f64() * factor;
        if seconds < self.max.as_secs_f64() {
            duration(seconds)
        } else {
            self.max
        }
    }
}

/// As the attribute has it: `exponential(100ms, factor = 2, max = 30s)`.
impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, max, growth } = self;
        match growth {
            Growth::Fixed => write!(f, "fixed({first:?})"),
            Growth::Linear { step } => {
                write!(f, "linear({first:?}, step = {step:?}, max = {max:?})")
            }
            Growth::Exponential { factor } => {
                write!(
                    f,
                    "exponential({first:?}, factor = {factor}, max = {max:?})"
                )
            }
            Growth::Decorrelated => write!(f, "decorrelated({first:?}, max = {max:?})"),
            Growth::Custom(_) => write!(f, "custom(.., max = {max:?})"),
        }
    }
}

/// So many seconds, which a `Duration` can hold. (`Duration::from_secs_f64` is not `const`.)
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative, and is rounded where that can be seen"
)]
const fn duration(seconds: f64) -> Duration {
    const NANOS_PER_SECOND: f64 = 1e9;
    // Nobody waits for 500 years to the nanosecond.
    if seconds < 500.0 * 365.0 * 24.0 * 60.0 * 60.0 {
        Duration::from_nanos((seconds * NANOS_PER_SECOND).round() as u64)
    } else {
        Duration::from_secs(seconds as u64)
    }
}

/// `base` to this power. (`powi` is not `const`.)
const fn power(base: f64, mut exponent: u32) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() > other.as_nanos() {
        one
    } else {
        other
    }
}

const fn shorter(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() < other.as_nanos() {
        one
    } else {
        other
    }
}
