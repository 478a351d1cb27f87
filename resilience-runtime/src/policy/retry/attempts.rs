//! The attempts of one call.

mod failure;
mod verdict;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;

use super::{Pause, Retry, Within};
use crate::error::Effect;
use crate::outcome::{Answer, Errors, Outcome, Refusal};
use crate::policy::switch::PolicyMode;
use failure::{Again, after_failure};

pub(in crate::policy) use failure::together;
pub use verdict::Verdict;

/// The attempts of one call: what to do with the outcome of each.
///
/// Without a predicate ([`Attempts::settle`]), while attempts are left:
///
/// | outcome | what follows |
/// |---|---|
/// | `Ok` | the answer |
/// | an error of the body | another attempt, unless the type is [`Classify`](crate::classify::Classify) and calls it permanent or ignored |
/// | [`TimedOut`](crate::error::Error::TimedOut) | another attempt |
/// | refused by an inner policy that names a time | another attempt, not before that time; the error at once if that is longer than the longest pause of the backoff |
/// | refused without a time | another attempt |
/// | refused for good (a record that could not be kept, a conflict of names) | the error |
///
/// So a call fails fast while an inner circuit breaker is open for long: that is what the breaker
/// is there for.
///
/// With a predicate ([`Attempts::settle_if`]) the predicate alone decides, about errors of the body
/// and of inner policies alike, with two exceptions: what is refused for good, or for longer than the
/// longest pause of the backoff, is not tried again, and the pause is never shorter than an inner
/// policy asked for. It may ask for another attempt after a value, too; when there is none the last
/// value is the answer. What it leaves [as usual](Verdict::AsUsual) is judged as in the table.
///
/// An error of the body may ask for a pause: the type calls it throttled, or
/// [`Attempts::settle_after`] finds it in the error. Then the pause is at least that, but no longer
/// than the longest pause of the backoff.
///
/// Another attempt takes a token of the [`RetryBudget`](super::RetryBudget), and its pause has to
/// end before the deadline: the retry's own and [`deadline()`](crate::policy::deadline::deadline).
/// Where it may not be, the answer is
/// [`RetryBudgetExhausted`](crate::error::Error::RetryBudgetExhausted) or
/// [`DeadlineTooClose`](crate::error::Error::DeadlineTooClose), with the last error as its source;
/// if the error type cannot be one or cannot carry that, the last error as it is. A `debug` event
/// says so in either case.
///
/// Otherwise the last error is handed on unchanged. What is known about the whole call goes with
/// it: an earlier attempt that was cut off leaves the call in doubt, whatever became of the later
/// ones.
///
/// A success at the first attempt reads no clock (unless there is a deadline), draws no random
/// number and allocates nothing.
pub struct Attempts<R> {
    progress: Progress,
    errors: Errors<R>,
}

/// How far the attempts are.
#[derive(Debug, Clone, Copy)]
struct Progress {
    retry: &'static Retry,
    function: &'static str,
    /// Of the retry itself.
    deadline: Option<Instant>,
    /// The number of the current attempt, from 1.
    number: u32,
    /// The number of the last one that there may be, which is at least 2; 1 where the policy only
    /// counts, and 0 where it is off.
    last: u32,
    /// What the failed attempts did.
    effect: Effect,
    /// The pause before the current attempt, as it was drawn.
    previous: Option<Duration>,
}

impl<R> Attempts<R> {
    #[inline]
    pub(super) const fn new(
        retry: &'static Retry,
        function: &'static str,
        errors: Errors<R>,
        mode: PolicyMode,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            progress: Progress {
                retry,
                function,
                deadline,
                number: 1,
                last: match mode {
                    PolicyMode::Enforced => retry.max_attempts,
                    PolicyMode::Shadow => 1,
                    PolicyMode::Disabled => 0,
                },
                effect: Effect::DidNotRun,
                previous: None,
            },
            errors,
        }
    }

    /// Whether no attempt follows the current one.
    #[must_use]
    #[inline]
    pub fn is_last(&self) -> bool {
        self.progress.number >= self.progress.last
    }

    /// One attempt, inside which the deadline of the retry is known as
    /// [`deadline()`](crate::policy::deadline::deadline). It does not end the attempt.
    #[inline]
    pub fn within<F: Future>(&self, attempt: F) -> Within<F> {
        Within::new(self.progress.deadline, attempt)
    }
}

impl<T, E> Attempts<Result<T, E>> {
    /// The answer of the call, or the pause before the next attempt.
    ///
    /// The pause is a Tokio timer: it has to be made in a Tokio runtime with its timer enabled.
    #[inline(always)]
    pub fn settle<O>(&mut self, outcome: O) -> ControlFlow<Answer<T, E>, Pause>
    where
        O: Outcome<Ok = T, Err = E>,
    {
        let answer = outcome.into_answer();
        if answer.result.is_ok() {
            return ControlFlow::Break(self.succeeded(answer));
        }
        self.failed(answer, Again::IfItCanHelp { asked: None })
    }

    /// The same, where `retry_after` says how long an error of the body asks to wait. Where it does
    /// not, the type of the error may.
    ///
    /// The pause is a Tokio timer: it has to be made in a Tokio runtime with its timer enabled.
    #[inline(always)]
    pub fn settle_not_before<O>(
        &mut self,
        outcome: O,
        retry_after: impl FnOnce(&E) -> Option<Duration>,
    ) -> ControlFlow<Answer<T, E>, Pause>
    where
        O: Outcome<Ok = T, Err = E>,
    {
        let answer = outcome.into_answer();
        let Err(error) = &answer.result else {
            return ControlFlow::Break(self.succeeded(answer));
        };
        let of_the_body = !answer.origin.is_refusal();
        let asked = if of_the_body && self.may_go_on() {
            retry_after(error)
        } else {
            None
        };
        self.failed(answer, Again::IfItCanHelp { asked })
    }

    /// The same, where `retry_if` says which results are tried again, errors and values: by a `bool`,
    /// or a [`Verdict`] where it does not decide about all. It is not asked about an error where there is nothing to decide.
    ///
    /// The pause is a Tokio timer: it has to be made in a Tokio runtime with its timer enabled.
    #[inline(always)]
    pub fn settle_if<O, V>(
        &mut self,
        outcome: O,
        retry_if: impl FnOnce(&Result<T, E>) -> V,
    ) -> ControlFlow<Answer<T, E>, Pause>
    where
        O: Outcome<Ok = T, Err = E>,
        V: Into<Verdict>,
    {
        self.settle_after(outcome, retry_if, |_| None)
    }

    /// The same, where `retry_after` says how long an error of the body asks to wait. Where it does
    /// not, the type of the error may.
    ///
    /// The pause is a Tokio timer: it has to be made in a Tokio runtime with its timer enabled.
    #[inline(always)]
    pub fn settle_after<O, V>(
        &mut self,
        outcome: O,
        retry_if: impl FnOnce(&Result<T, E>) -> V,
        retry_after: impl FnOnce(&E) -> Option<Duration>,
    ) -> ControlFlow<Answer<T, E>, Pause>
    where
        O: Outcome<Ok = T, Err = E>,
        V: Into<Verdict>,
    {
        let answer = outcome.into_answer();
        let again = match &answer.result {
            Ok(_) => {
                let is_wanted =
                    !self.progress.is_off() && retry_if(&answer.result).into() == Verdict::Again;
                if !is_wanted {
                    return ControlFlow::Break(self.succeeded(answer));
                }
                Again::Yes { asked: None }
            }
            Err(error) => match answer.origin.refusal() {
                Some(Refusal::Final) => Again::No,
                _ if !self.may_go_on() => Again::No,
                refusal => {
                    let verdict = retry_if(&answer.result).into();
                    let asked = match (verdict, refusal) {
                        (Verdict::Enough, _) | (_, Some(_)) => None,
                        (_, None) => retry_after(error),
                    };
                    match verdict {
                        Verdict::Again => Again::Yes { asked },
                        Verdict::Enough => Again::No,
                        Verdict::AsUsual => Again::IfItCanHelp { asked },
                    }
                }
            },
        };
        self.failed(answer, again)
    }

    /// Whether there is anything to decide.
    #[inline(always)]
    fn may_go_on(&self) -> bool {
        !self.progress.is_off() && !self.progress.is_used_up()
    }

    /// A success says what the body did, unless this attempt did not run it: then the earlier
    /// attempts count.
    #[inline(always)]
    fn succeeded(&self, mut answer: Answer<T, E>) -> Answer<T, E> {
        if answer.origin.effect() == Effect::DidNotRun {
            answer.origin.set_effect(self.progress.effect);
        }
        let budget = &self.progress.retry.budget;
        if !budget.is_full() && !self.progress.is_off() {
            budget.give_back();
        }
        answer
    }

    /// Moves on to the next attempt, or not.
    #[inline(always)]
    fn failed(&mut self, answer: Answer<T, E>, again: Again) -> ControlFlow<Answer<T, E>, Pause> {
        let (progress, pause) = after_failure(self.progress, self.errors, answer, again)?;
        self.progress = progress;
        ControlFlow::Continue(pause)
    }
}

impl Progress {
    #[inline]
    const fn is_off(&self) -> bool {
        self.last == 0
    }

    #[inline]
    const fn only_counts(&self) -> bool {
        self.last == 1
    }

    #[inline]
    const fn is_used_up(&self) -> bool {
        self.number >= self.retry.max_attempts
    }
}

impl<R> fmt::Debug for Attempts<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts")
            .field("function", &self.progress.function)
            .field("number", &self.progress.number)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
