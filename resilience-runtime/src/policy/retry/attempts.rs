//! The attempts of one call.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use super::Retry;
use crate::error::Effect;
use crate::outcome::{Answer, Origin, Outcome, Refusal};

/// The attempts of one call: what to do with the outcome of each.
///
/// Without a predicate ([`Attempts::settle`]), while attempts are left:
///
/// | outcome | what follows |
/// |---|---|
/// | `Ok` | the answer |
/// | an error of the body | another attempt |
/// | [`TimedOut`](crate::error::Error::TimedOut) | another attempt |
/// | refused by an inner policy that names a time | another attempt, not before that time; the error at once if that is longer than the longest pause of the backoff |
/// | refused without a time | another attempt |
/// | refused for good (a record that could not be kept, a conflict of names) | the error |
///
/// So a call fails fast while an inner circuit breaker is open for long: that is what the breaker
/// is there for.
///
/// With a predicate ([`Attempts::settle_if`]) the predicate alone decides, about errors of the body
/// and of inner policies alike, with two exceptions: what is refused for good is not tried again,
/// and the pause is never shorter than an inner policy asked for.
///
/// The last error is handed on unchanged. What is known about the whole call goes with it: an
/// earlier attempt that was cut off leaves the call in doubt, whatever became of the later ones.
///
/// A success at the first attempt reads no clock, draws no random number and allocates nothing.
#[derive(Debug)]
pub struct Attempts {
    retry: Retry,
    /// The number of the current attempt, from 1.
    number: u32,
    /// What the failed attempts did.
    effect: Effect,
}

impl Attempts {
    pub(super) const fn of(retry: Retry) -> Self {
        Self {
            retry,
            number: 1,
            effect: Effect::DidNotRun,
        }
    }

    /// Whether no attempt follows the current one.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.number >= self.retry.max_attempts
    }

    /// The answer of the call, or the pause before the next attempt.
    ///
    /// The pause is a Tokio timer: it has to be made in a Tokio runtime with its timer enabled.
    #[inline]
    pub fn settle<O: Outcome>(&mut self, outcome: O) -> ControlFlow<Answer<O::Ok, O::Err>, Pause> {
        let mut answer = outcome.into_answer();
        if answer.result.is_ok() {
            return ControlFlow::Break(self.succeeded(answer));
        }
        match self.failed(&mut answer.origin) {
            Some(least) if least <= self.retry.backoff.longest() => {
                ControlFlow::Continue(self.pause(least))
            }
            _ => ControlFlow::Break(answer),
        }
    }

    /// The same, where `retry_on` says which errors are tried again. It is not asked where there
    /// is nothing to decide.
    ///
    /// The pause is a Tokio timer: it has to be made in a Tokio runtime with its timer enabled.
    #[inline]
    pub fn settle_if<O: Outcome>(
        &mut self,
        outcome: O,
        retry_on: impl FnOnce(&O::Err) -> bool,
    ) -> ControlFlow<Answer<O::Ok, O::Err>, Pause> {
        let mut answer = outcome.into_answer();
        let Err(error) = &answer.result else {
            return ControlFlow::Break(self.succeeded(answer));
        };
        match self.failed(&mut answer.origin) {
            Some(least) if retry_on(error) => ControlFlow::Continue(self.pause(least)),
            _ => ControlFlow::Break(answer),
        }
    }

    /// A success says what the body did, unless this attempt did not run it: then the earlier
    /// attempts count.
    fn succeeded<T, E>(&self, mut answer: Answer<T, E>) -> Answer<T, E> {
        if answer.origin.effect == Effect::DidNotRun {
            answer.origin.effect = self.effect;
        }
        answer
    }

    /// Notes what a failed attempt did, and says so for the call as a whole in `origin`. `None`
    /// when another attempt is impossible or useless, else the least pause before it.
    #[inline]
    fn failed(&mut self, origin: &mut Origin) -> Option<Duration> {
        self.effect = together(self.effect, origin.effect);
        origin.effect = self.effect;
        if self.is_last() {
            return None;
        }
        match origin.refusal {
            Some(Refusal::Final) => None,
            Some(Refusal::Rejected { retry_after }) => Some(retry_after.unwrap_or_default()),
            Some(Refusal::TimedOut) | None => Some(Duration::ZERO),
        }
    }

    /// Moves on to the next attempt.
    #[inline]
    fn pause(&mut self, least: Duration) -> Pause {
        let attempt = self.number;
        self.number += 1;
        pause_after(self.retry, attempt, least)
    }
}

/// The pause after this attempt. By value and out of line: a call that succeeds has no need of a
/// place in memory for its attempts.
#[cold]
#[inline(never)]
fn pause_after(retry: Retry, attempt: u32, least: Duration) -> Pause {
    let pause = retry.backoff.after_attempts(attempt);
    let pause = retry.jitter.apply(pause).max(least);
    tracing::debug!(
        attempt,
        max_attempts = retry.max_attempts,
        ?pause,
        "attempt failed, trying again"
    );
    Pause {
        timer: sleep(pause),
    }
}

/// What two failed attempts did together. One that was cut off stays in doubt: a later attempt that
/// ran to its end does not tell what became of the earlier one.
fn together(earlier: Effect, later: Effect) -> Effect {
    match (earlier, later) {
        (Effect::MayHaveRun, _) | (_, Effect::MayHaveRun) => Effect::MayHaveRun,
        (Effect::Ran, _) | (_, Effect::Ran) => Effect::Ran,
        (Effect::DidNotRun, Effect::DidNotRun) => Effect::DidNotRun,
    }
}

pin_project! {
    /// The pause before the next attempt. It can be dropped at any time.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Pause {
        #[pin]
        timer: Sleep,
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.project().timer.poll(context)
    }
}

#[cfg(test)]
mod tests;
