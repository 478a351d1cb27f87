//! The calls that a rate is taken of: the last so many, or those of the last so many seconds. Both
//! slide, both count in constant time, and both know the sums at every moment.

use super::moment::Moment;
use super::rules::{Rules, reaches};

/// How many calls there were, and how many of them were failures, and slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) calls: u32,
    pub(crate) failures: u32,
    pub(crate) slow: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.failures = self.failures.saturating_add(other.failures);
        self.slow = self.slow.saturating_add(other.slow);
    }

    fn subtract(&mut self, other: Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.failures = self.failures.saturating_sub(other.failures);
        self.slow = self.slow.saturating_sub(other.slow);
    }

    /// Whether a rate has reached its limit.
    fn trips(self, rules: &Rules) -> bool {
        let too_many_failures =
            rules.failure_rate > 0.0 && reaches(self.failures, self.calls, rules.failure_rate);
        let too_many_slow =
            rules.judges_slow_calls() && reaches(self.slow, self.calls, rules.slow_rate());
        self.calls >= rules.minimum_calls() && (too_many_failures || too_many_slow)
    }
}

/// The window of one generation. It is made for the first call that is counted.
#[derive(Debug)]
pub(crate) enum Window {
    Count(CountWindow),
    Time(Box<TimeWindow>),
}

impl Window {
    pub(crate) fn new(rules: &Rules, now: impl FnOnce() -> Moment) -> Self {
        if rules.timed {
            Self::Time(Box::new(TimeWindow::new(tick(now(), rules))))
        } else {
            Self::Count(CountWindow::new(rules.count_window()))
        }
    }

    /// Counts a call; true when a rate has reached its limit now.
    pub(crate) fn count(
        &mut self,
        failure: bool,
        slow: bool,
        rules: &Rules,
        now: impl FnOnce() -> Moment,
    ) -> bool {
        match self {
            Self::Count(window) => window.push(failure, slow),
            Self::Time(window) => {
                window.advance(tick(now(), rules));
                window.add(Counts {
                    calls: 1,
                    failures: failure.into(),
                    slow: slow.into(),
                });
            }
        }
        self.counts().trips(rules)
    }

    /// Counts successes that nobody took a lock for, at the time of the last call before.
    pub(crate) fn fold(&mut self, successes: u32) {
        match self {
            Self::Count(window) => window.push_successes(successes),
            Self::Time(window) => window.add(Counts {
                calls: successes,
                ..Counts::default()
            }),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        match self {
            Self::Count(window) => window.counts,
            Self::Time(window) => window.counts,
        }
    }

    /// The counts at this moment.
    pub(crate) fn counts_at(&mut self, now: Moment, rules: &Rules) -> Counts {
        if let Self::Time(window) = self {
            window.advance(tick(now, rules));
        }
        self.counts()
    }

    /// Whether one more success would leave it as it is.
    pub(crate) fn is_full_of_successes(&self) -> bool {
        match self {
            Self::Count(window) => {
                let Counts {
                    calls,
                    failures,
                    slow,
                } = window.counts;
                calls == window.size && failures == 0 && slow == 0
            }
            Self::Time(_) => false,
        }
    }

    /// Whether no number of successes at this time would open the breaker: they only thin out the
    /// others. Not so while the rates do not count yet, and not when calls that have left the window
    /// have left too much behind: that is for the next call that ends to find out.
    pub(crate) fn is_safe_from_successes(&self, rules: &Rules) -> bool {
        let counts = self.counts();
        let Counts { failures, slow, .. } = counts;
        failures == 0 && slow == 0 || counts.calls >= rules.minimum_calls() && !counts.trips(rules)
    }

    /// The time that successes without a lock have to be of.
    pub(crate) fn tick(&self) -> i64 {
        match self {
            Self::Count(_) => 0,
            Self::Time(window) => window.tick,
        }
    }
}

/// The part of the time that a moment is in; 0 where time plays no part.
pub(crate) fn tick(now: Moment, rules: &Rules) -> i64 {
    const NANOS_PER_MILLI: i64 = 1_000_000;
    let window = i64::from(rules.count_window()) * NANOS_PER_MILLI;
    now.0.div_euclid(window.div_euclid(PARTS_OF_TIME).max(1))
}

/// How many parts a time window has; it slides by one at a time.
const PARTS: usize = 32;
const PARTS_OF_TIME: i64 = 32;

/// The calls of the last so many milliseconds, in parts. The part that is just running is one of
/// them, so that a call leaves the window when it is between 31/32 and 32/32 of it old.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    tick: i64,
    parts: [Counts; PARTS],
    counts: Counts,
}

impl TimeWindow {
    fn new(tick: i64) -> Self {
        Self {
            tick,
            parts: [Counts::default(); PARTS],
            counts: Counts::default(),
        }
    }

    /// Forgets what is too old. A clock that goes back moves nothing.
    fn advance(&mut self, to: i64) {
        for tick in (self.tick + 1..=to).take(PARTS) {
            let old = std::mem::take(Self::part(&mut self.parts, tick));
            self.counts.subtract(old);
        }
        self.tick = self.tick.max(to);
    }

    fn add(&mut self, counts: Counts) {
        Self::part(&mut self.parts, self.tick).add(counts);
        self.counts.add(counts);
    }

    fn part(parts: &mut [Counts; PARTS], tick: i64) -> &mut Counts {
        let place = usize::try_from(tick.rem_euclid(PARTS_OF_TIME)).unwrap_or(0);
        &mut parts[place]
    }
}

/// The last `size` calls, two bits for each.
#[derive(Debug)]
pub(crate) struct CountWindow {
    size: u32,
    /// Where the next call goes.
    next: u32,
    failures: Bits,
    slow: Bits,
    counts: Counts,
}

impl CountWindow {
    fn new(size: u32) -> Self {
        Self {
            size,
            next: 0,
            failures: Bits::new(size),
            slow: Bits::new(size),
            counts: Counts::default(),
        }
    }

    fn push(&mut self, failure: bool, slow: bool) {
        let place = self.next;
        self.counts.failures -= self.failures.set(place, failure);
        self.counts.slow -= self.slow.set(place, slow);
        self.counts.failures += u32::from(failure);
        self.counts.slow += u32::from(slow);
        self.move_on(1);
    }

    fn push_successes(&mut self, count: u32) {
        let mut left = count.min(self.size);
        while left > 0 {
            let run = left.min(self.size - self.next);
            self.counts.failures -= self.failures.clear(self.next, run);
            self.counts.slow -= self.slow.clear(self.next, run);
            self.move_on(run);
            left -= run;
        }
    }

    fn move_on(&mut self, calls: u32) {
        self.counts.calls = (self.counts.calls + calls).min(self.size);
        self.next = (self.next + calls) % self.size;
    }
}

/// A row of bits.
#[derive(Debug)]
struct Bits(Box<[u64]>);

impl Bits {
    fn new(size: u32) -> Self {
        Self(vec![0; size.div_ceil(u64::BITS) as usize].into_boxed_slice())
    }

    /// Sets one bit, and returns what it was.
    fn set(&mut self, place: u32, bit: bool) -> u32 {
        let (word, shift) = (&mut self.0[(place / u64::BITS) as usize], place % u64::BITS);
        let before = *word >> shift & 1;
        *word = *word & !(1 << shift) | u64::from(bit) << shift;
        u32::from(before == 1)
    }

    /// Clears `count` bits, word by word, and returns how many of them were set.
    fn clear(&mut self, from: u32, count: u32) -> u32 {
        let (mut place, end, mut cleared) = (from, from + count, 0);
        while place < end {
            let shift = place % u64::BITS;
            let here = (u64::BITS - shift).min(end - place);
            let mask = (u64::MAX >> (u64::BITS - here)) << shift;
            let word = &mut self.0[(place / u64::BITS) as usize];
            cleared += (*word & mask).count_ones();
            *word &= !mask;
            place += here;
        }
        cleared
    }
}
