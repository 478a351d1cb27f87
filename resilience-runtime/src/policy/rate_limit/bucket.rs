//! What is left of a limit, and who waits for more.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::clock::{Moment, TokioClock, nanos};
use super::limits::Limits;
use crate::policy::line::Line;

/// One rate, for any number of buckets.
#[derive(Debug)]
pub(super) struct Limiter {
    governor: RateLimiter<Bucket, InBucket, TokioClock, NoOpMiddleware<Moment>>,
    /// From when on governor counts; some nanoseconds later, so that no wait is too short.
    start: Instant,
    /// The time that one call takes out of a bucket.
    interval: u64,
    /// The time that may be owed to a bucket when a call is admitted.
    tolerance: u64,
}

/// What one key, or all calls together, have left. As governor has it, one number: the time at which
/// the bucket is full again.
///
/// It is governor's key, and holds what governor would keep for a key: so there is one map of keys,
/// ours, and the time can be read.
#[derive(Debug, Clone)]
pub(super) struct Bucket(Arc<State>);

#[derive(Debug)]
struct State {
    /// In nanoseconds after governor's start; 0 before the first call.
    full_at: AtomicU64,
    /// The length of the line, to be seen without a lock.
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        let quota = Quota::with_period(limits.interval())
            .unwrap_or(Quota::per_second(limits.rate()))
            .allow_burst(limits.burst());
        let interval = nanos(limits.interval());
        Self {
            governor: RateLimiter::new(quota, InBucket, TokioClock),
            start: Instant::now(),
            interval,
            tolerance: interval.saturating_mul((limits.burst().get() - 1).into()),
        }
    }

    /// Takes one call out of the bucket, if it has one and nobody waits for it.
    #[inline]
    pub(super) fn try_take(&self, bucket: &Bucket) -> bool {
        bucket.0.waiting.load(Ordering::Relaxed) == 0 && self.take(bucket)
    }

    /// The same for the first in line.
    #[inline]
    pub(super) fn take(&self, bucket: &Bucket) -> bool {
        self.governor.check_key(bucket).is_ok()
    }

    /// How long the one behind `position` others has to wait from now on, if no one leaves the line.
    pub(super) fn wait(&self, bucket: &Bucket, position: usize, now: Instant) -> Duration {
        let now = self.on_clock(now);
        let owed = bucket.full_at().saturating_sub(now);
        let before = self.interval.saturating_mul(position as u64);
        Duration::from_nanos(owed.saturating_add(before).saturating_sub(self.tolerance))
    }

    /// When the bucket is as good as a new one.
    pub(super) fn full_at(&self, bucket: &Bucket) -> Option<Instant> {
        let after = Duration::from_nanos(bucket.full_at());
        self.start.checked_add(after)
    }

    fn on_clock(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.start))
    }
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self(Arc::new(State {
            full_at: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            line: Mutex::new(Line::EMPTY),
        }))
    }

    /// Whether a call has it in hand at this moment.
    pub(super) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(super) fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins `line`, its own.
    pub(super) fn join(&self, line: &mut Line, waker: &Waker) -> u64 {
        let ticket = line.join(waker);
        self.0.waiting.store(line.len(), Ordering::Relaxed);
        ticket
    }

    /// Takes one out of the line. Who is the first then has to look how long it waits now.
    pub(super) fn leave(&self, ticket: u64) {
        let mut line = self.line();
        let left = line.leave(ticket);
        self.0.waiting.store(line.len(), Ordering::Relaxed);
        let next = line.first().cloned();
        drop(line);
        // Wakers are the runtime's code: not under the lock.
        drop(left);
        if let Some(next) = next {
            next.wake();
        }
    }

    fn full_at(&self) -> u64 {
        self.0.full_at.load(Ordering::Relaxed)
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Bucket {}

impl Hash for Bucket {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// Keeps the state of a bucket in the bucket.
#[derive(Debug)]
struct InBucket;

impl StateStore for InBucket {
    type Key = Bucket;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, bucket: &Bucket, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let full_at = &bucket.0.full_at;
        let mut before = full_at.load(Ordering::Relaxed);
        loop {
            let (taken, after) = decide((before > 0).then_some(Nanos::new(before)))?;
            match full_at.compare_exchange_weak(
                before,
                after.as_u64(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(taken),
                Err(now) => before = now,
            }
        }
    }
}
