//! `#[timeout]`: a bound on how long a call may take.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::deadline::Scope;
use super::switch::{PolicyMode, Switch};
use super::timer::Timer;
use crate::catalog::{Policy, PolicyKind};
use crate::error::Error;
use crate::outcome::{Answer, Function, Outcome, Refusal};
use crate::telemetry::{meter, names};

/// A duration from here on is no limit. It keeps the arithmetic on the clock, ours and the
/// timer's, far from its end.
const NEVER: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

/// A limit on the time that one call takes.
///
/// The time counts from the first poll of the call, and the deadline does not move. A call that
/// completes in the same poll in which its deadline is found to have passed has completed. A call
/// that is over its deadline is dropped at the `.await` that it has reached, and answers
/// [`Error::TimedOut`]: it may have had its effect.
///
/// Code inside the call sees the deadline, or an earlier one around it, as
/// [`deadline()`](super::deadline::deadline).
///
/// In [`PolicyMode::Shadow`], a call that is over its time is counted and runs on, and sees no
/// deadline.
///
/// The clock is Tokio's. A call that has to wait needs a Tokio runtime with its timer enabled; one
/// that is ready at once needs neither a runtime nor a timer. The timer has a resolution of one
/// millisecond.
#[derive(Debug)]
pub struct Timeout {
    after: Duration,
    switch: Switch,
}

impl Timeout {
    /// Cuts a call off after this time. [`Duration::MAX`] means never.
    ///
    /// # Panics
    /// When `after` is zero, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn after(after: Duration) -> Self {
        assert!(
            !after.is_zero(),
            "a timeout of zero would cut off every call that waits: give it a longer time"
        );
        Self {
            after,
            switch: Switch::new(),
        }
    }

    /// Runs `call` with the limit. It can be dropped at any time, and `call` is dropped with it.
    pub fn limit<F, T, E>(
        &'static self,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Limited<F, T, E>
    where
        F: Future<Output: Outcome<Ok = T, Err = E>>,
    {
        Limited {
            call: Some(call),
            timer: Timer::none(),
            deadline: Deadline::NotStarted,
            timeout: self,
            function,
        }
    }

    /// The end of a call that begins now.
    #[inline]
    fn deadline(&self) -> Deadline {
        let mode = self.switch.mode();
        if self.after >= NEVER || mode == PolicyMode::Disabled {
            return Deadline::Never;
        }
        match (Instant::now().checked_add(self.after), mode) {
            (None, _) => Deadline::Never,
            (Some(at), PolicyMode::Enforced) => Deadline::At(at),
            (Some(at), _) => Deadline::CountedAt(at),
        }
    }

    #[cold]
    fn would_have_acted(&self, function: &'static str) {
        self.switch.note(PolicyKind::Timeout, function);
        let after = self.after;
        tracing::debug!(target: "resilience", function, ?after, "call would have been cut off");
    }
}

impl Policy for Timeout {
    fn kind(&self) -> PolicyKind {
        PolicyKind::Timeout
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.after >= NEVER {
            return f.write_str("after = Duration::MAX");
        }
        write!(f, "after = {:?}", self.after)
    }

    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        if self.after >= NEVER {
            return inner;
        }
        Some(inner.map_or(self.after, |inner| inner.min(self.after)))
    }

    fn switch(&self) -> Option<&Switch> {
        Some(&self.switch)
    }
}

/// Until when a call may run.
#[derive(Debug, Clone, Copy)]
enum Deadline {
    NotStarted,
    At(Instant),
    /// It is counted then, and runs on.
    CountedAt(Instant),
    Never,
}

pin_project! {
    /// A call under a [`Timeout`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Limited<F, T, E> {
        // `None` once it was cut off.
        #[pin]
        call: Option<F>,
        // Set when the call has to wait for the first time.
        #[pin]
        timer: Timer,
        deadline: Deadline,
        timeout: &'static Timeout,
        function: Function<Result<T, E>>,
    }
}

impl<F, T, E> fmt::Debug for Limited<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("function", &self.function)
            .field("after", &self.timeout.after)
            .finish_non_exhaustive()
    }
}

impl<F, T, E> Future for Limited<F, T, E>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            // Polled again after it answered that the time is over: there is no more to come.
            return Poll::Pending;
        };
        if let Deadline::NotStarted = this.deadline {
            *this.deadline = this.timeout.deadline();
        }
        let polled = if let Deadline::At(at) = *this.deadline {
            let _scope = Scope::enter(at);
            call.poll(context)
        } else {
            call.poll(context)
        };
        if let Poll::Ready(outcome) = polled {
            return Poll::Ready(outcome.into_answer());
        }
        let (Deadline::At(deadline) | Deadline::CountedAt(deadline)) = *this.deadline else {
            return Poll::Pending;
        };
        if this.timer.as_mut().poll_at(deadline, context).is_pending() {
            return Poll::Pending;
        }
        let function = this.function.name;
        if let Deadline::CountedAt(_) = *this.deadline {
            *this.deadline = Deadline::Never;
            this.timer.clear();
            this.timeout.would_have_acted(function);
            return Poll::Pending;
        }
        this.call.set(None);
        let after = this.timeout.after;
        tracing::debug!(target: "resilience", function, ?after, "call timed out");
        meter::count(names::TIMEOUTS, "function", function);
        let error = Error::TimedOut { function, after };
        Poll::Ready(Answer::refused(error, Refusal::TimedOut, this.function))
    }
}

#[cfg(test)]
mod tests;
