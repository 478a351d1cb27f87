//! The builders of a breaker.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::core::Word;
use super::rules::{OnCancel, Rules};
use super::state::Need;
use super::{CircuitBreaker, KeyedCircuitBreaker, Probe};

/// The most calls that a window of calls can hold.
const LARGEST_WINDOW: u32 = 1_000_000;

/// When it opens.
impl CircuitBreaker {
    /// How many failures in a row open the breaker. Default: 5, or off if a rate is set.
    ///
    /// # Panics
    /// When it is 0, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        assert!(
            failures > 0,
            "`failure_threshold` must be at least 1: a breaker opens after a failure"
        );
        self.rules.chosen_threshold = failures;
        self
    }

    /// The share of the calls in the window, from 0 to 1, that must fail for the breaker to open. Default:
    /// off.
    ///
    /// # Panics
    /// When it is not more than 0 and at most 1, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        assert!(
            rate > 0.0 && rate <= 1.0,
            "`failure_rate` must be more than 0 and at most 1: it is the part of the calls that fail"
        );
        self.rules.failure_rate = single(rate);
        self.watches()
    }

    /// The number of last calls over which the rates are computed. Default: 100, unless there is a
    /// `time_window`.
    ///
    /// The window takes a quarter of a byte per call, from the first counted call on.
    ///
    /// # Panics
    /// When it is 0 or more than 1,000,000, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn count_window(mut self, calls: u32) -> Self {
        assert!(
            calls > 0 && calls <= LARGEST_WINDOW,
            "`count_window` must be at least 1 and at most 1,000,000 calls"
        );
        self.rules.chosen_window = calls;
        self.rules.timed = false;
        self
    }

    /// Computes the rates over the calls that ended within this time. The window slides in steps of a
    /// 32nd of its length, and is rounded up to milliseconds. Default: off, see `count_window`.
    ///
    /// # Panics
    /// When it is zero or longer than 49 days, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn time_window(mut self, time: Duration) -> Self {
        assert!(
            !time.is_zero(),
            "`time_window` must be longer than zero: no call would be in it"
        );
        self.rules.chosen_window = millis(time, "`time_window` must not be longer than 49 days");
        self.rules.timed = true;
        self
    }

    /// How many calls must be in the window before its rates count. Default: a full
    /// `count_window`, or 20 calls in a `time_window`. More than a `count_window` holds counts as the
    /// full window.
    ///
    /// # Panics
    /// When it is 0, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        assert!(
            calls > 0,
            "`minimum_calls` must be at least 1: there is no rate of no calls"
        );
        self.rules.chosen_minimum = calls;
        self
    }

    /// The duration from which on a call is slow, whether or not it fails; rounded up to
    /// milliseconds. Default: off. See [`slow_call_rate`](CircuitBreaker::slow_call_rate).
    ///
    /// # Panics
    /// When it is zero or longer than 49 days, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn slow_call_duration(mut self, time: Duration) -> Self {
        assert!(
            !time.is_zero(),
            "`slow_call_duration` must be longer than zero: every call would be slow"
        );
        self.rules.slow_after =
            millis(time, "`slow_call_duration` must not be longer than 49 days");
        self.watches()
    }

    /// The share of the calls in the window that must be slow for the breaker to open. Default: 1, all
    /// of them. Without a `slow_call_duration` no call is slow.
    ///
    /// # Panics
    /// When it is not more than 0 and at most 1, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn slow_call_rate(mut self, rate: f64) -> Self {
        assert!(
            rate > 0.0 && rate <= 1.0,
            "`slow_call_rate` must be more than 0 and at most 1: it is the part of the calls that \
             are slow"
        );
        self.rules.chosen_slow_rate = single(rate);
        self
    }

    /// How a call that is dropped before its end counts. Default: it does not count.
    #[must_use]
    pub const fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.rules.on_cancel = on_cancel;
        self
    }

    /// From the first call on, how calls end matters.
    const fn watches(mut self) -> Self {
        if self.named_at.is_none() {
            self.word = AtomicU64::new(Word::new(0, Need::Watching).bits());
        }
        self
    }
}

/// For how long it is open, and how it closes.
impl CircuitBreaker {
    /// How long the breaker stays open, and how long a probing call may take before another call gets
    /// its place; rounded up to milliseconds. Default: 60 s.
    ///
    /// # Panics
    /// When it is zero or longer than 49 days, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn open_for(mut self, time: Duration) -> Self {
        assert!(
            !time.is_zero(),
            "`open_for` must be longer than zero: a breaker that does not stay open rejects nothing"
        );
        self.rules.open_for = millis(time, "`open_for` must not be longer than 49 days");
        self
    }

    /// Makes it stay open longer each time that it opens again without having been closed in between:
    /// `factor` times as long, up to `max`. Default: always for `open_for`.
    ///
    /// # Panics
    /// When `factor` is not a number of at least 1 or `max` is zero or longer than 49 days, which
    /// in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn growing(mut self, factor: f64, max: Duration) -> Self {
        assert!(
            factor >= 1.0 && factor <= 1_000_000.0,
            "the factor of `growing` must be at least 1: the times get longer"
        );
        assert!(
            !max.is_zero(),
            "the longest time of `growing` must be longer than zero"
        );
        self.rules.factor = single(factor);
        self.rules.longest = millis(
            max,
            "the longest time of `growing` must not be longer than 49 days",
        );
        self
    }

    /// How many calls a half-open breaker lets through, running and ended ones together. Default:
    /// 3, or as many as `success_threshold` needs.
    ///
    /// # Panics
    /// When it is 0 or less than `success_threshold`, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn half_open_permits(mut self, permits: u32) -> Self {
        assert!(
            permits > 0,
            "`half_open_permits` must be at least 1: without a probe a breaker stays open for ever"
        );
        self.rules.chosen_permits = permits;
        self.assert_can_close();
        self
    }

    /// How many successful calls close a half-open breaker; one failure opens it. With `recovery`,
    /// also how many successes end a stage. Default: 3, or as many as `half_open_permits` allows.
    ///
    /// # Panics
    /// When it is 0 or more than `half_open_permits`, or with `half_open_success_rate`, unless
    /// `recovery` was given before them: then the rate decides about the probes and this about the
    /// stages. In a `static` item that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        assert!(
            successes > 0,
            "`success_threshold` must be at least 1: a breaker closes after a success"
        );
        self.rules.chosen_successes = successes;
        self.assert_can_close();
        self
    }

    /// The share of the permitted calls that must succeed for a half-open breaker to close. This is
    /// decided when all of them have ended. Default: off, see `success_threshold`.
    ///
    /// # Panics
    /// When it is not more than 0 and at most 1, or with `success_threshold`, unless `recovery` was
    /// given before them. In a `static` item that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn half_open_success_rate(mut self, rate: f64) -> Self {
        assert!(
            rate > 0.0 && rate <= 1.0,
            "`half_open_success_rate` must be more than 0 and at most 1: it is the part of the \
             probes that succeed"
        );
        self.rules.half_open_rate = single(rate);
        self.assert_can_close();
        self
    }

    /// Makes it recover in stages before it closes: after the half-open state this share of the calls
    /// runs, then twice the share, and so on, up to all of them. A stage lasts until
    /// `success_threshold` calls have succeeded; the rules of a closed breaker can open it. Which calls
    /// run is not random: at 0.25, every fourth one. Default: off.
    ///
    /// # Panics
    /// When `share` is not between 0.000001 and 1, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "asserted to be between one and a million"
    )]
    pub const fn recovery(mut self, share: f64) -> Self {
        let millionths = share * Rules::WHOLE as f64 + 0.5;
        assert!(
            millionths >= 1.0 && share < 1.0,
            "`recovery` must be more than 0 and less than 1: it is the share of the calls that run \
             first"
        );
        self.rules.recovery = millionths as u32;
        self
    }

    /// Asks the dependency while the breaker is open. Default: no probe.
    #[must_use]
    pub const fn probe(mut self, probe: &'static Probe) -> Self {
        self.probe = Some(probe);
        self
    }

    /// A separate breaker with these options for every key, which remembers at most `max_keys` keys for
    /// which there is something to record.
    ///
    /// # Panics
    /// When `max_keys` is 0, or there is a `probe`, which would not know which key to ask for. In a
    /// `static` item that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn per_key(self, max_keys: u32) -> KeyedCircuitBreaker {
        assert!(
            max_keys > 0,
            "`max_keys` must be at least 1: no key could be remembered"
        );
        assert!(
            self.probe.is_none(),
            "a `probe` cannot be used with `per_key`: it would not know what key to ask for"
        );
        KeyedCircuitBreaker::new(self, max_keys)
    }

    #[track_caller]
    const fn assert_can_close(&self) {
        assert!(
            self.rules.chosen_permits == 0
                || self.rules.chosen_successes <= self.rules.chosen_permits,
            "`success_threshold` must not be more than `half_open_permits`: the breaker could \
             never close"
        );
        assert!(
            self.rules.chosen_successes == 0
                || self.rules.half_open_rate == 0.0
                || self.rules.recovery > 0,
            "`success_threshold` and `half_open_success_rate` exclude each other: one of them \
             decides when it closes; only with a `recovery`, given before them, each has its own use"
        );
    }
}

/// In milliseconds, rounded up.
#[track_caller]
const fn millis(time: Duration, too_long: &str) -> u32 {
    let millis = time.as_nanos().div_ceil(1_000_000);
    assert!(millis <= u32::MAX as u128, "{}", too_long);
    #[expect(clippy::cast_possible_truncation, reason = "asserted to fit")]
    let millis = millis as u32;
    millis
}

/// Rates do not need more.
#[expect(clippy::cast_possible_truncation, reason = "rounded on purpose")]
const fn single(number: f64) -> f32 {
    let rounded = number as f32;
    // None is "off": a rate that is too small to be told from none is the smallest there is.
    if rounded == 0.0 {
        f32::MIN_POSITIVE
    } else {
        rounded
    }
}
