//! What follows a failed attempt.
//!
//! Everything is taken by value and out of line: a call that succeeds has no need of a place in
//! memory for its attempts.

use std::ops::ControlFlow;
use std::time::Duration;

use super::Progress;
use crate::catalog::PolicyKind;
use crate::error::Effect;
use crate::outcome::{Answer, Errors, Refusal};
use crate::policy::retry::pause::{Denied, Length, Pause};
use crate::telemetry::{meter, names};

/// Whether another attempt is wanted. `asked` is how long an error of the body asks to wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Again {
    /// No predicate: the origin of the error and its type decide.
    IfItCanHelp { asked: Option<Duration> },
    /// A predicate says so.
    Yes { asked: Option<Duration> },
    /// A predicate says so, or was not asked.
    No,
}

/// The answer, or the pause before the next attempt and how far the call is then.
#[cold]
#[inline(never)]
pub(super) fn after_failure<T, E>(
    mut progress: Progress,
    errors: Errors<Result<T, E>>,
    mut answer: Answer<T, E>,
    again: Again,
) -> ControlFlow<Answer<T, E>, (Progress, Pause)> {
    if progress.is_off() {
        return ControlFlow::Break(answer);
    }
    let longest = progress.retry.backoff.longest();
    let least = least_pause(&errors, &answer, again, longest);
    progress.effect = together(progress.effect, answer.origin.effect());
    // A value that is not good enough is the body's, whatever came before.
    if answer.result.is_err() || answer.origin.effect() == Effect::DidNotRun {
        answer.origin.set_effect(progress.effect);
    }
    let error = || errors.text(&answer.result);
    if progress.is_used_up() {
        progress.announce_end(error);
        return ControlFlow::Break(answer);
    }
    let Some(least) = least else {
        return ControlFlow::Break(answer);
    };
    if progress.only_counts() {
        progress.would_go_on(least);
        return ControlFlow::Break(answer);
    }
    match progress.go_on(least, error) {
        Ok(pause) => ControlFlow::Continue((progress, pause)),
        Err(denied) => ControlFlow::Break(progress.end(denied, errors, answer)),
    }
}

/// The least pause before another attempt; `None` where there is none.
fn least_pause<T, E>(
    errors: &Errors<Result<T, E>>,
    answer: &Answer<T, E>,
    again: Again,
    longest: Duration,
) -> Option<Duration> {
    let of_the_body = |asked: Option<Duration>| {
        let asked = asked.or_else(|| errors.retry_after(&answer.result));
        asked.unwrap_or_default().min(longest)
    };
    match (answer.origin.refusal(), again) {
        (_, Again::No) => None,
        (None, Again::Yes { asked }) => Some(of_the_body(asked)),
        (None, Again::IfItCanHelp { asked }) => errors
            .is_transient(&answer.result)
            .then(|| of_the_body(asked)),
        (Some(refusal), _) => {
            let least = match refusal {
                Refusal::Final => return None,
                Refusal::TimedOut => Duration::ZERO,
                Refusal::Rejected { retry_after } => retry_after.unwrap_or_default(),
            };
            // A breaker that is open for long makes the call fail fast: it is there for that.
            (least <= longest).then_some(least)
        }
    }
}

impl Progress {
    /// The pause before the next attempt, which is the current one from now on.
    fn go_on(
        &mut self,
        least: Duration,
        error: impl Fn() -> Option<String>,
    ) -> Result<Pause, Denied> {
        let Self {
            retry,
            function,
            number: attempt,
            ..
        } = *self;
        let Length { drawn, pause } =
            Length::after(retry, attempt, self.previous, least, self.deadline)?;
        self.number += 1;
        self.previous = Some(drawn);
        tracing::debug!(target: "resilience", function,
            attempt,
            max_attempts = retry.max_attempts,
            ?pause,
            error = error(),
            "attempt failed, trying again"
        );
        meter::count(names::RETRY_ATTEMPTS, "function", function);
        Ok(Pause::of(pause))
    }

    /// Notes what would have followed, were the policy enforced. A retry that is denied would have
    /// changed the answer, too.
    fn would_go_on(&self, least: Duration) {
        let _ = Length::after(self.retry, self.number, None, least, None);
        self.retry.switch.note(PolicyKind::Retry, self.function);
    }

    /// The attempts are used up.
    fn announce_end(&self, error: impl Fn() -> Option<String>) {
        let (function, attempts) = (self.function, self.number);
        tracing::debug!(target: "resilience", function,
            attempts,
            error = error(),
            "attempt failed, and it was the last"
        );
        meter::count(names::RETRY_EXHAUSTED, "function", function);
    }

    /// The answer where another attempt would help and may not be made.
    fn end<T, E>(
        &self,
        denied: Denied,
        errors: Errors<Result<T, E>>,
        mut answer: Answer<T, E>,
    ) -> Answer<T, E> {
        self.announce(&denied);
        let effect = answer.origin.effect();
        let (result, wrapped) = errors.wrap(answer.result, |source| {
            denied.into_error(self.function, effect, source)
        });
        if wrapped {
            answer.origin.set_refusal(Refusal::Final);
        }
        Answer { result, ..answer }
    }

    fn announce(&self, denied: &Denied) {
        let (function, attempt) = (self.function, self.number);
        match denied {
            Denied::TooLate { needed, left } => tracing::debug!(target: "resilience", function,
                attempt,
                ?needed,
                ?left,
                "attempt failed, and the deadline is too close for another"
            ),
            Denied::NoToken(_) => {
                tracing::debug!(target: "resilience", function,
                    attempt,
                    "attempt failed, and the budget has no retry left"
                );
                meter::count(names::RETRY_BUDGET_REFUSALS, "function", function);
            }
        }
    }
}

/// What two failed attempts did together. One that was cut off stays in doubt: a later attempt that
/// ran to its end does not tell what became of the earlier one.
pub(in crate::policy) fn together(earlier: Effect, later: Effect) -> Effect {
    match (earlier, later) {
        (Effect::MayHaveRun, _) | (_, Effect::MayHaveRun) => Effect::MayHaveRun,
        (Effect::Ran, _) | (_, Effect::Ran) => Effect::Ran,
        (Effect::DidNotRun, Effect::DidNotRun) => Effect::DidNotRun,
    }
}
