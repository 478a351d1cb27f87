//! How long calls took, lately.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// As many buckets for each power of two.
const PARTS: u64 = 8;
const PARTS_BITS: u32 = PARTS.ilog2();
/// Latencies from here on, in microseconds, which are 71 minutes, are in the last bucket.
const LONGEST_BITS: u32 = 32;
const BUCKETS: usize = ((LONGEST_BITS - PARTS_BITS + 1) as usize) * PARTS as usize;

/// A histogram whose buckets are each an eighth of a power of two wide. It forgets: when it holds
/// [`Latencies::MOST`] calls, all buckets are halved.
///
/// There is no lock. A call that is noted while the buckets are halved may be counted before or
/// after, which is all the same to a quantile.
pub(super) struct Latencies {
    buckets: [AtomicU32; BUCKETS],
    /// The sum of the buckets.
    calls: AtomicU32,
    halving: AtomicBool,
}

impl Latencies {
    /// From so many calls on a quantile is known.
    const ENOUGH: u32 = 100;
    /// As many calls at most, or a few more that come at the same time.
    const MOST: u32 = 1_024;

    pub(super) const NONE: Self = Self {
        buckets: [const { AtomicU32::new(0) }; BUCKETS],
        calls: AtomicU32::new(0),
        halving: AtomicBool::new(false),
    };

    /// Notes the latency of one call.
    pub(super) fn note(&self, latency: Duration) {
        if let Some(bucket) = self.buckets.get(bucket_of(latency)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= Self::MOST && !self.halving.swap(true, Ordering::Acquire) {
            self.halve();
            self.halving.store(false, Ordering::Release);
        }
    }

    /// Only one thread does this at a time; others may add to the buckets meanwhile.
    #[cold]
    fn halve(&self) {
        let mut forgotten = 0;
        for bucket in &self.buckets {
            // The odd one goes, too: it would stay for ever.
            let half = bucket.load(Ordering::Relaxed).div_ceil(2);
            bucket.fetch_sub(half, Ordering::Relaxed);
            forgotten += half;
        }
        self.calls.fetch_sub(forgotten, Ordering::Relaxed);
    }

    /// The latency that this share of the calls did not exceed, or a little more. `None` while there
    /// are too few to tell.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a `u32`, which is not negative, is one"
    )]
    pub(super) fn quantile(&self, quantile: f64) -> Option<Duration> {
        let calls = self.calls.load(Ordering::Relaxed);
        if calls < Self::ENOUGH {
            return None;
        }
        let within = (f64::from(calls) * quantile).ceil() as u32;
        let mut seen = 0;
        let found = self.buckets.iter().position(|bucket| {
            seen += bucket.load(Ordering::Relaxed);
            seen >= within
        });
        Some(end_of(found.unwrap_or(BUCKETS - 1)))
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

/// Microseconds below [`PARTS`] have a bucket each. Above, the power of two chooses the group and
/// the bits below the highest one choose the bucket in it.
fn bucket_of(latency: Duration) -> usize {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    let micros = micros.min((1 << LONGEST_BITS) - 1);
    let group = micros
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(PARTS_BITS - 1)
        .saturating_sub(1);
    let bucket = u64::from(group) * PARTS + (micros >> group);
    usize::try_from(bucket).unwrap_or(BUCKETS - 1)
}

/// The first latency over those of this bucket.
fn end_of(bucket: usize) -> Duration {
    let next = bucket as u64 + 1;
    // The first two groups are both as fine as a microsecond.
    let group = (next / PARTS).saturating_sub(1);
    Duration::from_micros((next - group * PARTS) << group)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_latency_is_in_a_bucket_that_ends_a_little_after_it(micros in 0..(1_u64 << LONGEST_BITS)) {
            let bucket = bucket_of(Duration::from_micros(micros));
            prop_assert!(bucket < BUCKETS);
            let end = u64::try_from(end_of(bucket).as_micros()).unwrap();
            prop_assert!(micros < end, "{micros} {end}");
            prop_assert!(end - micros <= micros / PARTS + 1, "{micros} {end}");
            prop_assert_eq!(bucket_of(Duration::from_micros(end)), (bucket + 1).min(BUCKETS - 1));
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_latencies(
            mut micros in proptest::collection::vec(0..10_000_000_u64, 100..900),
            percent in 1..100_u32,
        ) {
            let latencies = Latencies::NONE;
            for &micros in &micros {
                latencies.note(Duration::from_micros(micros));
            }
            micros.sort_unstable();
            let quantile = f64::from(percent) / 100.0;
            let found = latencies.quantile(quantile).unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let rank = (micros.len() as f64 * quantile).ceil() as usize;
            let exact = Duration::from_micros(micros[rank - 1]);
            prop_assert!(found > exact && found <= exact * 9 / 8 + Duration::from_micros(1));
        }
    }

    #[test]
    fn a_hundred_calls_are_enough() {
        let latencies = Latencies::NONE;
        for _ in 0..99 {
            latencies.note(Duration::from_millis(1));
        }
        assert_eq!(latencies.quantile(0.5), None);
        latencies.note(Duration::from_millis(1));
        assert!(latencies.quantile(0.5).is_some());
    }

    #[test]
    fn old_calls_are_forgotten() {
        let latencies = Latencies::NONE;
        for _ in 0..10_000 {
            latencies.note(Duration::from_secs(10));
        }
        assert!(latencies.quantile(0.01) > Some(Duration::from_secs(10)));
        // Five halvings leave less than a hundredth of the others.
        for _ in 0..10 * 512 {
            latencies.note(Duration::from_millis(1));
        }
        assert!(latencies.quantile(0.99) < Some(Duration::from_millis(2)));
        let held = latencies.calls.load(Ordering::Relaxed);
        let sum: u32 = latencies
            .buckets
            .iter()
            .map(|it| it.load(Ordering::Relaxed))
            .sum();
        assert_eq!(held, sum);
        assert!(held < Latencies::MOST);
    }

    #[test]
    fn threads_lose_no_call() {
        let latencies = Latencies::NONE;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50_000).for_each(|n| latencies.note(Duration::from_micros(n))));
            }
        });
        let held = latencies.calls.load(Ordering::Relaxed);
        let sum: u32 = latencies
            .buckets
            .iter()
            .map(|it| it.load(Ordering::Relaxed))
            .sum();
        assert_eq!(held, sum);
        assert!(held <= Latencies::MOST);
    }
}
