//! When a breaker changes its state, packed: one of these is part of every annotated function.

use std::time::Duration;

/// How a circuit breaker counts a call that is dropped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnCancel {
    /// It does not count.
    #[default]
    Ignore,
    /// It counts as a failure: for callers that give up because the dependency is slow.
    Failure,
}

/// The rules. A number of 0 is one that was not chosen, because some defaults follow other numbers
/// and the builders may be called in any order. Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub(crate) chosen_threshold: u32,
    pub(crate) failure_rate: f32,
    /// Calls, or milliseconds when `timed`.
    pub(crate) chosen_window: u32,
    pub(crate) chosen_minimum: u32,
    pub(crate) slow_after: u32,
    pub(crate) chosen_slow_rate: f32,
    pub(crate) open_for: u32,
    /// How much longer every further opening is.
    pub(crate) factor: f32,
    pub(crate) longest: u32,
    pub(crate) chosen_permits: u32,
    pub(crate) chosen_successes: u32,
    /// The rate that closes a half-open breaker.
    pub(crate) half_open_rate: f32,
    /// By how much the share of the calls grows, in millionths.
    pub(crate) recovery: u32,
    pub(crate) timed: bool,
    pub(crate) on_cancel: OnCancel,
}

impl Rules {
    /// The whole of the calls, in the unit of `recovery`.
    pub(crate) const WHOLE: u32 = 1_000_000;

    const DEFAULT_THRESHOLD: u32 = 5;
    const DEFAULT_COUNT_WINDOW: u32 = 100;
    const DEFAULT_MINIMUM_OF_A_TIME: u32 = 20;
    const DEFAULT_PERMITS: u32 = 3;
    const DEFAULT_SUCCESSES: u32 = 3;

    pub(crate) const DEFAULT: Self = Self {
        chosen_threshold: 0,
        failure_rate: 0.0,
        chosen_window: 0,
        chosen_minimum: 0,
        slow_after: 0,
        chosen_slow_rate: 0.0,
        open_for: 60_000,
        factor: 0.0,
        longest: 0,
        chosen_permits: 0,
        chosen_successes: 0,
        half_open_rate: 0.0,
        recovery: 0,
        timed: false,
        on_cancel: OnCancel::Ignore,
    };

    /// Whether it has to be known how long calls take.
    #[inline]
    pub(crate) const fn judges_slow_calls(&self) -> bool {
        self.slow_after > 0
    }

    /// Whether calls are counted in a window.
    #[inline]
    pub(crate) const fn has_window(&self) -> bool {
        self.failure_rate > 0.0 || self.judges_slow_calls()
    }

    /// How many failures in a row open it; `None` when they do not.
    pub(crate) const fn failure_threshold(&self) -> Option<u32> {
        match self.chosen_threshold {
            0 if self.has_window() => None,
            0 => Some(Self::DEFAULT_THRESHOLD),
            chosen => Some(chosen),
        }
    }

    /// How many calls the window holds.
    #[inline]
    pub(crate) const fn count_window(&self) -> u32 {
        match self.chosen_window {
            0 => Self::DEFAULT_COUNT_WINDOW,
            chosen => chosen,
        }
    }

    /// How many calls have to be in the window before its rates count.
    pub(crate) fn minimum_calls(&self) -> u32 {
        match (self.chosen_minimum, self.timed) {
            (0, true) => Self::DEFAULT_MINIMUM_OF_A_TIME,
            (chosen, true) => chosen,
            (0, false) => self.count_window(),
            // More than the window holds would never be reached.
            (chosen, false) => chosen.min(self.count_window()),
        }
    }

    /// The rate of slow calls that opens it.
    pub(crate) fn slow_rate(&self) -> f32 {
        if self.chosen_slow_rate > 0.0 {
            self.chosen_slow_rate
        } else {
            1.0
        }
    }

    /// From when on a call is slow.
    #[inline]
    pub(crate) fn slow_after(&self) -> Duration {
        Duration::from_millis(self.slow_after.into())
    }

    /// How long a probe may take before its place goes to another.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.open_for.into())
    }

    /// How long it stays open when it has opened `openings` times without being closed between.
    pub(crate) fn open_for(&self, openings: u32) -> Duration {
        if self.longest == 0 {
            return self.lease();
        }
        let further = i32::try_from(openings.saturating_sub(1)).unwrap_or(i32::MAX);
        let longer = f64::from(self.open_for) * f64::from(self.factor).powi(further);
        Duration::from_secs_f64(longer.min(f64::from(self.longest)) / 1_000.0)
    }

    /// How many probes a half-open breaker admits.
    pub(crate) fn half_open_permits(&self) -> u32 {
        match self.chosen_permits {
            0 => Self::DEFAULT_PERMITS.max(self.chosen_successes),
            chosen => chosen,
        }
    }

    /// How many successes a half-open breaker needs, where no rate decides, and every stage of a
    /// recovery; never more than it admits.
    pub(crate) fn success_threshold(&self) -> u32 {
        match self.chosen_successes {
            0 => Self::DEFAULT_SUCCESSES.min(self.half_open_permits()),
            chosen => chosen,
        }
    }

    /// Everything that has a consequence. What is left at its default is equal to the same written
    /// out.
    fn in_force(&self) -> impl PartialEq {
        let window = self
            .has_window()
            .then(|| (self.timed, self.count_window(), self.minimum_calls()));
        let slow = self
            .judges_slow_calls()
            .then(|| (self.slow_after, self.slow_rate()));
        let growth = (self.longest > 0).then_some((self.factor, self.longest));
        let open = (self.open_for, growth, self.on_cancel);
        let trial = (
            self.half_open_permits(),
            self.success_threshold(),
            self.half_open_rate,
            self.recovery,
        );
        let failures = (self.failure_threshold(), self.failure_rate);
        (failures, window, slow, open, trial)
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.in_force() == other.in_force()
    }
}

/// Whether `part` of `whole` is at least `rate`. The quotient is rounded like the rate was, so that
/// 10 of 100 are 0.1.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded on purpose, to the precision of the rate"
)]
pub(crate) fn reaches(part: u32, whole: u32, rate: f32) -> bool {
    (f64::from(part) / f64::from(whole)) as f32 >= rate
}
