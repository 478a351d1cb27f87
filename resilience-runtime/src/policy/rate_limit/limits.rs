//! What a rate limit is configured with.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// A bucket that takes longer than this to fill is a mistake, and would bring the arithmetic near
/// its end.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How many calls, in which time, and how long they may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    rate: NonZeroU32,
    per: Duration,
    burst: Option<NonZeroU32>,
    pub(super) max_wait: Duration,
}

impl Limits {
    pub(super) const DEFAULT: Self = Self {
        rate: NonZeroU32::MIN,
        per: Duration::from_secs(1),
        burst: None,
        max_wait: Duration::ZERO,
    };

    #[track_caller]
    pub(super) const fn with_rate(mut self, calls: u32, per: Duration) -> Self {
        assert!(
            calls > 0,
            "`rate` must be at least 1: a limit of 0 lets nothing through"
        );
        assert!(
            !per.is_zero(),
            "the time of a `rate` must be longer than zero"
        );
        self.rate = not_zero(calls);
        self.per = per;
        self.assert_fills();
        self
    }

    #[track_caller]
    pub(super) const fn with_burst(mut self, calls: u32) -> Self {
        assert!(
            calls > 0,
            "`burst` must be at least 1: a limit of 0 lets nothing through"
        );
        self.burst = Some(not_zero(calls));
        self.assert_fills();
        self
    }

    #[track_caller]
    const fn assert_fills(&self) {
        assert!(
            self.interval().as_nanos() * (self.burst().get() as u128) <= LONGEST.as_nanos(),
            "a `burst` must come back within 100 years at this `rate`"
        );
    }

    pub(super) const fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    pub(super) const fn burst(&self) -> NonZeroU32 {
        match self.burst {
            Some(burst) => burst,
            None => self.rate,
        }
    }

    /// The time for one call, rounded up: there are never more calls than the rate allows.
    #[expect(clippy::cast_possible_truncation, reason = "it is cut before")]
    pub(super) const fn interval(&self) -> Duration {
        let (rate, longest) = (self.rate.get() as u128, u64::MAX as u128);
        let nanos = self.per.as_nanos().div_ceil(rate);
        // What is longer takes more than a hundred years, and is refused as that.
        let nanos = if nanos > longest { longest } else { nanos };
        Duration::from_nanos(nanos as u64)
    }
}

const fn not_zero(calls: u32) -> NonZeroU32 {
    match NonZeroU32::new(calls) {
        Some(calls) => calls,
        None => NonZeroU32::MIN,
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, per, .. } = self;
        write!(f, "rate = {rate}, per = {per:?}, burst = {}", self.burst())?;
        if self.max_wait.is_zero() {
            return Ok(());
        }
        write!(f, ", max_wait = {:?}", self.max_wait)
    }
}
