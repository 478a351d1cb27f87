//! How long the first attempt has for itself.

use std::fmt;
use std::time::Duration;

use super::latencies::Latencies;

/// How long to wait before each hedge.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lies in a `static`, and a box cannot be made there"
)]
pub(super) enum Delay {
    Fixed(Duration),
    Quantile {
        quantile: f64,
        initially: Duration,
        latencies: Latencies,
    },
}

impl Delay {
    /// The delay at this moment.
    pub(super) fn now(&self) -> Duration {
        match self {
            Self::Fixed(delay) => *delay,
            Self::Quantile {
                quantile,
                initially,
                latencies,
            } => latencies.quantile(*quantile).unwrap_or(*initially),
        }
    }

    /// The delay, where it does not change.
    pub(super) const fn fixed(&self) -> Option<Duration> {
        match self {
            Self::Fixed(delay) => Some(*delay),
            Self::Quantile { .. } => None,
        }
    }

    /// Where latencies are noted, if they are of use.
    pub(super) const fn latencies(&self) -> Option<&Latencies> {
        match self {
            Self::Fixed(_) => None,
            Self::Quantile { latencies, .. } => Some(latencies),
        }
    }
}

/// As the attribute has it.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(delay) => write!(f, "delay = {delay:?}"),
            Self::Quantile {
                quantile,
                initially,
                ..
            } => write!(f, "quantile = {quantile}, initially = {initially:?}"),
        }
    }
}
