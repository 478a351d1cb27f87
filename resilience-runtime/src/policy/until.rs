//! When a wait ends.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::deadline::deadline;
use crate::error::{Effect, Error};

/// The error of a call that waited up to its deadline, and did not run.
pub(crate) fn deadline_passed(function: &'static str, waited: Duration) -> Error {
    Error::DeadlineTooClose {
        function,
        needed: waited,
        left: Duration::ZERO,
        effect: Effect::DidNotRun,
        source: None,
    }
}

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

    /// Waits for `future`, and no longer than `until`. `None` when that came first: at once where it is over already,
    /// so that `future` is not polled, which would put the caller into a line only to step out of it again.
    pub(crate) async fn wait<F: Future>(until: Option<Self>, future: F) -> Option<F::Output> {
        let Some(until) = until else {
            return Some(future.await);
        };
        if until.at <= Instant::now() {
            return None;
        }
        let output = timeout_at(until.at, future).await.ok();
        output.filter(|_| !until.is_missed())
    }

    /// Whether the call must have answered by now: what it waited for is of no use any more.
    pub(crate) fn is_missed(self) -> bool {
        self.is_deadline && Instant::now() >= self.at
    }
}
