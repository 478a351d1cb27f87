//! Waiting in line for a bucket.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::bucket::{Bucket, Limiter};
use super::limits::Limits;
use crate::policy::deadline::deadline;
use crate::policy::timer::Timer;

/// Why a call does not wait, or no longer.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotYet {
    /// How long it would have to wait from now on.
    pub(super) needed: Duration,
    /// The time to its deadline, where that is what is too short.
    pub(super) left: Option<Duration>,
}

pin_project! {
    /// One who waits.
    pub(super) struct Waiting {
        seat: Seat,
        bounds: Bounds,
        limiter: &'static Limiter,
        // Set when it is known for how long.
        #[pin]
        timer: Timer,
    }
}

/// A place in the line of a bucket. Dropped, it is left.
struct Seat {
    ticket: u64,
    bucket: Bucket,
}

/// Until when a call may wait.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// It has to be admitted by then; `None` where the clock ends before.
    latest: Option<Instant>,
    /// It has to be admitted before.
    deadline: Option<Instant>,
}

impl Waiting {
    /// `None` when there is no need to wait after all.
    pub(super) fn begin(
        limits: &Limits,
        limiter: &'static Limiter,
        bucket: Bucket,
        waker: &Waker,
    ) -> Result<Option<Self>, NotYet> {
        let mut line = bucket.line();
        loop {
            if line.len() == 0 && limiter.take(&bucket) {
                return Ok(None);
            }
            let now = Instant::now();
            let wait = limiter.wait(&bucket, line.len(), now);
            if line.len() == 0 && wait.is_zero() {
                continue;
            }
            let bounds = Bounds::of(limits, now);
            bounds.allow(wait, now)?;
            let ticket = bucket.join(&mut line, waker);
            drop(line);
            return Ok(Some(Self {
                seat: Seat { ticket, bucket },
                bounds,
                limiter,
                timer: Timer::none(),
            }));
        }
    }

    pub(super) fn poll(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), NotYet>> {
        let mut this = self.project();
        let Seat { ticket, bucket } = this.seat;
        loop {
            // Dropped after the line is released.
            let _replaced;
            let mut line = bucket.line();
            let Some((position, replaced)) = line.position(*ticket, context.waker()) else {
                // Nobody else takes it out of the line.
                return Poll::Pending;
            };
            _replaced = replaced;
            let now = Instant::now();
            // The timer comes late by up to its resolution: that is not held against the call, unless
            // it would be cut off at once.
            let in_vain = this.bounds.deadline.is_some_and(|at| now >= at);
            if !in_vain && position == 0 && this.limiter.take(bucket) {
                return Poll::Ready(Ok(()));
            }
            let wait = this.limiter.wait(bucket, position, now);
            drop(line);
            if let Err(not_yet) = this.bounds.allow(wait, now) {
                return Poll::Ready(Err(not_yet));
            }
            // The bucket has enough for all before it, and none of them has taken it yet: the next
            // to leave the line wakes this one, and it does not wait for that for ever.
            let wake_at = if position > 0 && wait.is_zero() {
                this.bounds.end()
            } else {
                now.checked_add(wait)
            };
            let Some(wake_at) = wake_at else {
                return Poll::Pending;
            };
            if this.timer.as_mut().poll_at(wake_at, context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.bucket.leave(self.ticket);
    }
}

impl Bounds {
    fn of(limits: &Limits, now: Instant) -> Self {
        Self {
            latest: now.checked_add(limits.max_wait),
            deadline: deadline(),
        }
    }

    /// Whether a call may wait for so long from now on.
    fn allow(&self, wait: Duration, now: Instant) -> Result<(), NotYet> {
        let not_yet = |left| Err(NotYet { needed: wait, left });
        let Some(admitted) = now.checked_add(wait) else {
            return not_yet(None);
        };
        if self.latest.is_some_and(|latest| admitted > latest) {
            return not_yet(None);
        }
        match self.deadline {
            Some(deadline) if admitted >= deadline => {
                not_yet(Some(deadline.saturating_duration_since(now)))
            }
            _ => Ok(()),
        }
    }

    fn end(&self) -> Option<Instant> {
        match (self.latest, self.deadline) {
            (Some(latest), Some(deadline)) => Some(latest.min(deadline)),
            (latest, deadline) => latest.or(deadline),
        }
    }
}

/// Whether a call that does not wait anyway would be refused. If not, and the bucket has one for it,
/// it takes it.
pub(super) fn would_be_refused(limits: &Limits, limiter: &Limiter, bucket: &Bucket) -> bool {
    if limiter.try_take(bucket) {
        return false;
    }
    let now = Instant::now();
    let wait = limiter.wait(bucket, bucket.line().len(), now);
    Bounds::of(limits, now).allow(wait, now).is_err()
}
