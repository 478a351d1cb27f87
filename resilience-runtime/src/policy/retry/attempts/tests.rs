//! What an answer says about all attempts together. The callers of a function cannot see it; the
//! attributes around `#[retry]` depend on it.

use super::*;
use crate::outcome::{Origin, errors, returns};
use crate::policy::retry::{Backoff, Jitter};
use crate::policy::switch::PolicyMode;

type Reply = Result<(), &'static str>;

/// The attempts of a call under a policy that no other test has.
fn attempts(retry: Retry) -> Attempts<Reply> {
    attempts_of(Box::leak(Box::new(retry)))
}

fn attempts_of(retry: &'static Retry) -> Attempts<Reply> {
    retry.attempts(returns::<Reply>("shop::charge"), errors())
}

const BODY_RAN: Origin = Origin::BODY;
const CUT_OFF: Origin = Origin::new(Some(Refusal::TimedOut), Effect::MayHaveRun);
const REJECTED: Origin = Origin::new(
    Some(Refusal::Rejected { retry_after: None }),
    Effect::DidNotRun,
);
const FINAL: Origin = Origin::new(Some(Refusal::Final), Effect::DidNotRun);

/// The answer to attempts that end like this, each with an error but for a last `Ok`.
fn last_answer(origins: &[Origin], result: Result<(), &'static str>) -> Answer<(), &'static str> {
    let attempts = u32::try_from(origins.len()).unwrap();
    let mut attempts = self::attempts(
        Retry::max_attempts(attempts.max(2)).backoff(Backoff::fixed(Duration::ZERO)),
    );
    let (last, earlier) = origins.split_last().unwrap();
    for &origin in earlier {
        let answer = Answer {
            result: Err::<(), _>("earlier"),
            origin,
        };
        assert!(attempts.settle(answer).is_continue());
    }
    let answer = Answer {
        result,
        origin: *last,
    };
    match attempts.settle(answer) {
        ControlFlow::Break(answer) => answer,
        ControlFlow::Continue(_) => panic!("one attempt too many"),
    }
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_add_up_to_the_least_certain_of_them() {
    let cases = [
        ([REJECTED, REJECTED], Effect::DidNotRun),
        ([REJECTED, BODY_RAN], Effect::Ran),
        ([BODY_RAN, REJECTED], Effect::Ran),
        ([BODY_RAN, BODY_RAN], Effect::Ran),
        ([CUT_OFF, REJECTED], Effect::MayHaveRun),
        ([REJECTED, CUT_OFF], Effect::MayHaveRun),
        ([CUT_OFF, BODY_RAN], Effect::MayHaveRun),
        ([BODY_RAN, CUT_OFF], Effect::MayHaveRun),
        ([BODY_RAN, FINAL], Effect::Ran),
        ([CUT_OFF, FINAL], Effect::MayHaveRun),
    ];
    for (origins, effect) in cases {
        let answer = last_answer(&origins, Err("last"));
        assert_eq!(answer.result, Err("last"));
        assert_eq!(answer.origin.effect(), effect, "{origins:?}");
        assert_eq!(answer.origin.refusal(), origins[1].refusal(), "{origins:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_is_the_bodys_whatever_came_before() {
    for earlier in [REJECTED, CUT_OFF, BODY_RAN] {
        let answer = last_answer(&[earlier, BODY_RAN], Ok(()));
        assert_eq!(answer.origin, Origin::BODY, "{earlier:?}");
    }
    // An inner policy answered without the body, after an attempt that ran.
    let replayed = Origin::new(None, Effect::DidNotRun);
    let answer = last_answer(&[BODY_RAN, replayed], Ok(()));
    assert_eq!(answer.origin.effect(), Effect::Ran);
}

type Predicate = fn(&Result<(), &'static str>) -> bool;

/// The length of the pause that follows a refusal, if any does.
fn pause_after(origin: Origin, backoff: Backoff, predicate: Option<Predicate>) -> Option<Duration> {
    let mut attempts = attempts(Retry::max_attempts(2).backoff(backoff).jitter(Jitter::None));
    let answer = Answer {
        result: Err::<(), _>("refused"),
        origin,
    };
    let settled = match predicate {
        Some(predicate) => attempts.settle_if(answer, predicate),
        None => attempts.settle(answer),
    };
    match settled {
        ControlFlow::Continue(pause) => Some(pause.ends_at() - Instant::now()),
        ControlFlow::Break(_) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_decides_whether_another_attempt_can_help() {
    let second = Duration::from_secs(1);
    let backoff = Backoff::exponential(second).max(10 * second);
    let rejected_for = |retry_after| {
        Origin::new(
            Some(Refusal::Rejected {
                retry_after: Some(retry_after),
            }),
            Effect::DidNotRun,
        )
    };
    let yes: Option<Predicate> = Some(|_| true);
    let no: Option<Predicate> = Some(|_| false);
    let cases = [
        (BODY_RAN, None, Some(second)),
        (CUT_OFF, None, Some(second)),
        (REJECTED, None, Some(second)),
        (FINAL, None, None),
        // Not before the time that the inner policy named, and not for longer than a pause may be.
        (rejected_for(second / 2), None, Some(second)),
        (rejected_for(10 * second), None, Some(10 * second)),
        (
            rejected_for(10 * second + Duration::from_nanos(1)),
            None,
            None,
        ),
        // The predicate decides instead, but not how long to wait.
        (BODY_RAN, yes, Some(second)),
        (BODY_RAN, no, None),
        (CUT_OFF, no, None),
        (REJECTED, no, None),
        (FINAL, yes, None),
        (rejected_for(second / 2), yes, Some(second)),
        (rejected_for(10 * second), yes, Some(10 * second)),
        (rejected_for(60 * second), yes, None),
        (rejected_for(second), no, None),
    ];
    for (origin, predicate, pause) in cases {
        let chosen = predicate.map(|predicate| predicate(&Err("")));
        let seen = pause_after(origin, backoff, predicate);
        assert_eq!(seen, pause, "{origin:?}, predicate says {chosen:?}");
    }
}

/// A policy in this mode, of which no more than one attempt is made.
fn switched(mode: PolicyMode) -> &'static Retry {
    let retry: &'static Retry = Box::leak(Box::new(Retry::default()));
    retry.switch.set(mode);
    retry
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_off_does_and_asks_nothing() {
    let retry = switched(PolicyMode::Disabled);
    let mut attempts = attempts_of(retry);
    assert!(attempts.is_last());
    let asked = attempts.settle_if(Err("busy"), |_| -> bool { panic!("it is off") });
    assert!(asked.is_break());
    assert!(attempts_of(retry).settle(Err("busy")).is_break());
    assert_eq!(retry.switch.would_have_acted(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_policy_in_the_shadow_counts_the_calls_it_would_have_retried() {
    let retry = switched(PolicyMode::Shadow);
    let mut attempts = attempts_of(retry);
    assert!(attempts.is_last());
    assert!(attempts.settle(Err("busy")).is_break());
    assert_eq!(retry.switch.would_have_acted(), 1);
    assert!(attempts_of(retry).settle(Ok(())).is_break());
    assert!(
        attempts_of(retry)
            .settle_if(Err("gone"), |_| false)
            .is_break()
    );
    assert_eq!(retry.switch.would_have_acted(), 1);
}
