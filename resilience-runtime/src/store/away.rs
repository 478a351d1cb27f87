//! Who comes back soon.
//!
//! A saga that was told that its step is durable asks for the next one in a moment. If the next commit did not wait for it,
//! the callers would fall into two groups, of which one waits while the commit of the other is made, and each commit would
//! hold half of what it could. So those are let in first who were answered last, for a part of the time that a commit
//! takes: where there is one caller, or nobody comes back, little or nothing is lost.

use std::time::Duration;

use tokio::time::Instant;

/// For such a part of the time that the last commit took, they are waited for.
const RETURN_PART: u32 = 4;
/// And for so long at most: what they do in between takes no time of the disk.
const RETURN_MAX: Duration = Duration::from_micros(500);

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

    pub(super) fn is_waited_for(self, now: Instant) -> bool {
        self.count > 0 && self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_were_answered_are_waited_for_until_they_are_back_or_late() {
        let began = Instant::now();
        let now = began + Duration::from_micros(400);
        let mut away = Away::answered(2, began, now);
        let in_time = now + Duration::from_micros(99);
        assert!(away.is_waited_for(in_time));
        assert!(!away.is_waited_for(now + Duration::from_micros(100)));
        away.come(1);
        assert!(away.is_waited_for(in_time));
        away.come(2);
        assert!(!away.is_waited_for(in_time));
        let slow = Away::answered(1, began, began + Duration::from_secs(1));
        let until = began + Duration::from_secs(1) + RETURN_MAX;
        assert_eq!(slow.until, Some(until));
        assert!(!slow.is_waited_for(until));
    }
}
