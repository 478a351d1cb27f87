//! What of a pause is left to chance.

use std::fmt;
use std::time::Duration;

/// How a pause is varied, so that callers which failed together do not come back together.
///
/// Every pause of every call is drawn anew. No jitter makes a pause longer than the backoff has
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Jitter {
    /// Anything from no pause to the whole one, uniformly: spreads the most.
    #[default]
    Full,
    /// Anything from half the pause to the whole one, uniformly: keeps a least pause.
    Equal,
    /// The whole pause, always.
    None,
    /// The whole pause, or up to this much less, uniformly.
    UpTo(Duration),
}

impl Jitter {
    /// A pause of at most `pause`.
    pub(in crate::policy::retry) fn apply(self, pause: Duration) -> Duration {
        match self {
            Self::None => pause,
            _ => uniform(self.least(pause), pause),
        }
    }

    /// The shortest that can become of a pause.
    pub(super) const fn least(self, pause: Duration) -> Duration {
        match self {
            Self::Full => Duration::ZERO,
            Self::Equal => match pause.checked_div(2) {
                Some(half) => pause.saturating_sub(half),
                None => Duration::ZERO,
            },
            Self::None => pause,
            Self::UpTo(most) => pause.saturating_sub(most),
        }
    }
}

/// As the attribute has it.
impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Equal => f.write_str("equal"),
            Self::None => f.write_str("none"),
            Self::UpTo(most) => write!(f, "{most:?}"),
        }
    }
}

/// Uniform from `least` to `longest`, both included. They are no more than 584 years apart, or taken
/// for it.
pub(super) fn uniform(least: Duration, longest: Duration) -> Duration {
    let apart = longest.saturating_sub(least);
    let nanos = u64::try_from(apart.as_nanos()).unwrap_or(u64::MAX);
    least + Duration::from_nanos(fastrand::u64(0..=nanos))
}
