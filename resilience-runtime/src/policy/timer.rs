//! A timer inside of a future, for those that wait for a time.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// A Tokio timer, made when it is waited for: before that there need not be a Tokio runtime.
    #[derive(Debug)]
    pub(super) struct Timer {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Timer {
    /// One that is not made yet.
    pub(super) const fn none() -> Self {
        Self { sleep: None }
    }

    /// Ready from `at` on, also in a task that has used up Tokio's cooperative budget: else what uses
    /// it up in every poll would keep the timer from being looked at, and run on for ever.
    pub(super) fn poll_at(
        self: Pin<&mut Self>,
        at: Instant,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut sleep = self.project().sleep;
        match sleep.as_mut().as_pin_mut() {
            Some(timer) if timer.deadline() == at => {}
            Some(timer) => timer.reset(at),
            None => sleep.set(Some(sleep_until(at))),
        }
        match sleep.as_pin_mut() {
            Some(timer) => pin!(unconstrained(timer)).poll(context),
            None => Poll::Pending,
        }
    }

    /// Out of Tokio's hands, because nobody waits any more.
    pub(super) fn clear(self: Pin<&mut Self>) {
        self.project().sleep.set(None);
    }
}
