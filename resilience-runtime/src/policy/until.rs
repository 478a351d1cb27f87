//! When a wait ends.

use std::time::Duration;

use tokio::time::Instant;

use super::deadline::deadline;

/// When a wait ends: after the longest wait, or at the deadline of the call if that comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until {
    pub(crate) at: Instant,
    /// Whether that is the deadline of the call.
    pub(crate) is_deadline: bool,
}

impl Until {
    /// The end of a wait that began at `since`; `None` for one without an end.
    pub(crate) fn of(since: Instant, wait: Option<Duration>) -> Option<Self> {
        let own = wait.and_then(|wait| since.checked_add(wait));
        match (own, deadline()) {
            (own, Some(deadline)) if own.is_none_or(|own| deadline <= own) => Some(Self {
                at: deadline,
                is_deadline: true,
            }),
            (Some(own), _) => Some(Self {
                at: own,
                is_deadline: false,
            }),
            (None, _) => None,
        }
    }

    /// Whether the call must have answered by now: what it waited for is of no use any more.
    pub(crate) fn is_missed(self) -> bool {
        self.is_deadline && Instant::now() >= self.at
    }
}
