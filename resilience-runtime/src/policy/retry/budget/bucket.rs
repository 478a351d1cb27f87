//! The tokens of a budget, in one atomic word.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

/// How fast a bucket fills, and how full it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    /// In thousandths of a token.
    pub(super) per_success: u32,
    /// In tokens, which is in thousandths per millisecond.
    pub(super) per_second: u32,
    /// In tokens, at most [`Rates::MOST`].
    pub(super) burst: u32,
}

impl Rates {
    pub(super) const DEFAULT: Self = Self {
        per_success: 200,
        per_second: 10,
        burst: 100,
    };
    pub(super) const MOST: u32 = 1_000_000;

    const fn capacity(self) -> u64 {
        self.burst as u64 * TOKEN
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = f64::from(self.per_success) / 1_000.0;
        let (per_second, burst) = (self.per_second, self.burst);
        write!(
            f,
            "ratio = {ratio}, per_second = {per_second}, burst = {burst}"
        )
    }
}

/// Tokens, from 0 to 1,000, in thousandths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked by the caller, and the number is rounded"
)]
pub(super) const fn thousandths(tokens: f64) -> u32 {
    (tokens * 1_000.0).round() as u32
}

/// The tokens that are missing, and when the time was last counted. There is no lock: a change that
/// came second is made again.
#[derive(Debug)]
pub(super) struct Bucket(AtomicU64);

impl Bucket {
    pub(super) const FULL: Self = Self(AtomicU64::new(0));
    /// Not full, and never used.
    pub(super) const ELSEWHERE: Self = Self(AtomicU64::new(u64::MAX));

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) >> TIME_BITS == 0
    }

    /// A success.
    pub(super) fn give_back(&self, rates: Rates) {
        self.change(|level| level.after_success(rates));
    }

    /// One token, if there is one.
    pub(super) fn take(&self, now: Instant, rates: Rates) -> bool {
        let now = millis(now);
        let mut taken = false;
        self.change(|level| {
            let level = level.at(now, rates);
            let less = level.less_one(rates);
            taken = less.is_some();
            less.unwrap_or(level)
        });
        taken
    }

    // Nothing but the word itself is guarded by it.
    fn change(&self, mut change: impl FnMut(Level) -> Level) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let after = change(Level::unpack(word)).pack();
            if after == word {
                return;
            }
            let swapped =
                self.0
                    .compare_exchange_weak(word, after, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }
}

/// One token, in thousandths.
const TOKEN: u64 = 1_000;
/// The bits of the time, in milliseconds: 198 days, and then it begins anew.
const TIME_BITS: u32 = 34;
const TIME: u64 = (1 << TIME_BITS) - 1;
/// Two threads read the clock and then write in the other order. A time that is earlier by no more
/// than this is taken for that, and not for 198 days later.
const EARLIER: u64 = 60_000;

/// The state of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    /// In thousandths, at most the capacity.
    missing: u64,
    /// Up to when the time was counted.
    counted: u64,
}

impl Level {
    const fn pack(self) -> u64 {
        self.missing << TIME_BITS | self.counted
    }

    const fn unpack(word: u64) -> Self {
        Self {
            missing: word >> TIME_BITS,
            counted: word & TIME,
        }
    }

    fn after_success(self, rates: Rates) -> Self {
        Self {
            missing: self.missing.saturating_sub(rates.per_success.into()),
            ..self
        }
    }

    /// With what the time gave until `now`.
    fn at(self, now: u64, rates: Rates) -> Self {
        let elapsed = now.wrapping_sub(self.counted) & TIME;
        // A full bucket has got nothing from the time, however long that was.
        if self.missing > 0 && elapsed > TIME - EARLIER {
            return self;
        }
        let gained = elapsed.saturating_mul(rates.per_second.into());
        Self {
            missing: self.missing.saturating_sub(gained),
            counted: now,
        }
    }

    /// Without one token.
    fn less_one(self, rates: Rates) -> Option<Self> {
        let missing = self.missing + TOKEN;
        (missing <= rates.capacity()).then_some(Self { missing, ..self })
    }
}

/// Whole milliseconds since some time, which may be a later one: only differences count.
fn millis(now: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(|| now);
    let since = now.saturating_duration_since(start).as_nanos();
    let until = start.saturating_duration_since(now).as_nanos();
    // Rounded down on both sides of the start.
    let millis = (since / 1_000_000).wrapping_sub(until.div_ceil(1_000_000));
    u64::try_from(millis & u128::from(TIME)).unwrap_or(TIME)
}

#[cfg(test)]
mod tests;
