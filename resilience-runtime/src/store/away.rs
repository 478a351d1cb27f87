//! Who comes back soon.
//!
//! A saga that was told that its step is durable asks for the next one in a moment. If the next commit did not wait for it,
//! the callers would fall into two groups, of which one waits while the commit of the other is made, and each commit would
//! hold half of what it could. So those are let in first who were answered last, for a part of the time that a commit
//! takes: where there is one caller, or nobody comes back, little or nothing is lost.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

/// For such a part of the time that the last commit took, they are waited for.
const RETURN_PART: u32 = 2;
/// And for so long at most.
const RETURN_MAX: Duration = Duration::from_millis(5);
/// A timer is no more exact than this: for less, other tasks are let run.
const TIMER: Duration = Duration::from_millis(1);

/// Those who were answered last, and have not come back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Away {
    count: usize,
    until: Option<Instant>,
}

impl Away {
    /// So many were answered `now`, by a commit that `began` then.
    pub(super) fn answered(count: usize, began: Instant, now: Instant) -> Self {
        let pause = (now - began) / RETURN_PART;
        Self {
            count,
            until: Some(now + pause.min(RETURN_MAX)),
        }
    }

    /// Somebody has come; whether it is one of them is not asked.
    pub(super) fn come(&mut self, count: usize) {
        self.count = self.count.saturating_sub(count);
    }

    /// Until when they are waited for, unless they are back or late.
    pub(super) fn until(self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| self.count > 0 && now < *until)
    }
}

/// Waits until somebody `comes`, for a while that ends at `until` at the latest. `None`: nobody has come yet.
pub(super) async fn wait<T>(until: Instant, comes: impl Future<Output = T>) -> Option<T> {
    if until - Instant::now() < TIMER {
        yield_now().await;
        return None;
    }
    timeout_at(until, comes).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_were_answered_are_waited_for_until_they_are_back_or_late() {
        let began = Instant::now();
        let now = began + Duration::from_micros(400);
        let mut away = Away::answered(2, began, now);
        let in_time = now + Duration::from_micros(199);
        assert!(away.until(in_time).is_some());
        assert!(away.until(now + Duration::from_micros(200)).is_none());
        away.come(1);
        assert!(away.until(in_time).is_some());
        away.come(2);
        assert!(away.until(in_time).is_none());
        let slow = Away::answered(1, began, began + Duration::from_secs(1));
        let until = began + Duration::from_secs(1) + RETURN_MAX;
        assert_eq!(slow.until, Some(until));
        assert!(slow.until(until).is_none());
    }
}
