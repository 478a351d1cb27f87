//! Retries: how many attempts, how long in between, and what comes out.

mod events;
mod limits;
mod pauses;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::outcome::{errors, returns};
use resilience_runtime::policy::replay::Replay;
use resilience_runtime::policy::retry::{Attempts, Backoff, Jitter, Retry};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// The attempts of a call under a policy that no other test has.
fn attempts<T, E>(retry: Retry) -> Attempts<Result<T, E>> {
    let retry: &'static Retry = Box::leak(Box::new(retry));
    retry.attempts(returns::<Result<T, E>>("shop::charge"), errors())
}

/// Runs `body` under `retry`; it is given the number of the attempt.
async fn run<T, E>(
    retry: Retry,
    mut body: impl AsyncFnMut(u32) -> Result<T, E>,
) -> (Result<T, E>, u32) {
    let mut attempts = attempts(retry);
    let mut started = 0;
    loop {
        started += 1;
        match attempts.settle(body(started).await) {
            ControlFlow::Break(answer) => return (answer.into_result(), started),
            ControlFlow::Continue(pause) => pause.await,
        }
    }
}

/// The pauses of a call that always fails.
async fn pauses(retry: Retry) -> Vec<Duration> {
    let mut starts = Vec::new();
    let _ = run(retry, async |_| {
        starts.push(Instant::now());
        Err::<(), _>(())
    })
    .await;
    starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_always_fails_is_attempted_exactly_as_often_as_allowed() {
    for max_attempts in 2..=6 {
        let retry = Retry::max_attempts(max_attempts);
        let (result, started) = run(retry, async |attempt| Err::<(), _>(attempt)).await;
        assert_eq!(started, max_attempts);
        assert_eq!(result, Err(max_attempts), "the last error comes out");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_attempts() {
    for good in 1..=4 {
        let (result, started) = run(Retry::default(), async |attempt| {
            if attempt == good {
                Ok(attempt)
            } else {
                Err(())
            }
        })
        .await;
        assert_eq!((result, started), (Ok(good), good));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_error_comes_back_unchanged() {
    let error = Arc::new("the one");
    let (result, _) = run(Retry::max_attempts(3), async |attempt| {
        Err::<(), _>(if attempt == 3 {
            Arc::clone(&error)
        } else {
            Arc::new("another")
        })
    })
    .await;
    assert!(Arc::ptr_eq(&result.unwrap_err(), &error));
}

#[tokio::test(start_paused = true)]
async fn an_exponential_backoff_grows_up_to_its_longest_pause() {
    let backoff = Backoff::exponential(SECOND)
        .factor(3.0)
        .max(Duration::from_secs(10));
    let retry = Retry::max_attempts(6).backoff(backoff).jitter(Jitter::None);
    assert_eq!(
        pauses(retry).await,
        [1, 3, 9, 10, 10].map(Duration::from_secs)
    );
}

#[tokio::test(start_paused = true)]
async fn the_defaults_are_as_documented() {
    assert_eq!(pauses(Retry::default()).await.len(), 3);
    assert_eq!(
        pauses(Retry::max_attempts(8).jitter(Jitter::None)).await,
        [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs)
    );
    let long = Retry::max_attempts(3)
        .backoff(Backoff::exponential(60 * SECOND))
        .jitter(Jitter::None);
    assert_eq!(pauses(long).await, [60 * SECOND, 60 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn a_fixed_backoff_does_not_grow() {
    let retry = Retry::max_attempts(4).backoff(Backoff::fixed(SECOND));
    assert_eq!(pauses(retry.jitter(Jitter::None)).await, [SECOND; 3]);
    let at_once = Retry::max_attempts(4).backoff(Backoff::fixed(Duration::ZERO));
    assert!(
        pauses(at_once)
            .await
            .iter()
            .all(|pause| *pause <= Duration::from_millis(1))
    );
}

#[tokio::test(start_paused = true)]
async fn no_backoff_overflows() {
    let backoff = Backoff::exponential(Duration::from_secs(u64::MAX / 4))
        .factor(f64::MAX)
        .max(Duration::MAX);
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::None] {
        let mut attempts = attempts(
            Retry::max_attempts(u32::MAX)
                .backoff(backoff)
                .jitter(jitter)
                .without_budget(),
        );
        for _ in 0..1_000 {
            assert!(attempts.settle(Err::<(), _>(())).is_continue());
        }
    }
}

/// Ten thousand pauses, in milliseconds rounded up by the timer, of a backoff of one second.
async fn drawn(jitter: Jitter) -> Vec<u128> {
    let retry = Retry::max_attempts(10_001)
        .backoff(Backoff::fixed(SECOND))
        .without_budget();
    let pauses = pauses(retry.jitter(jitter)).await;
    pauses.iter().map(Duration::as_millis).collect()
}

#[tokio::test(start_paused = true)]
async fn jitter_stays_in_its_bounds_and_uses_all_of_them() {
    for (jitter, least) in [(Jitter::Full, 0), (Jitter::Equal, 500)] {
        let drawn = drawn(jitter).await;
        assert_eq!(drawn.len(), 10_000);
        assert!(drawn.iter().all(|pause| (least..=1_001).contains(pause)));
        // Every tenth of the range has a fair share: a thousand on average, give or take thirty.
        let width = (1_000 - least) / 10;
        for tenth in 0..10 {
            let range = least + tenth * width..least + (tenth + 1) * width;
            let share = drawn.iter().filter(|pause| range.contains(pause)).count();
            assert!(
                (700..1_300).contains(&share),
                "{jitter:?} {range:?}: {share}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_draws_its_own_pauses() {
    let retry = || Retry::max_attempts(6);
    assert_ne!(pauses(retry()).await, pauses(retry()).await);
}

#[tokio::test(start_paused = true)]
async fn the_predicate_chooses_the_errors() {
    let mut attempts = attempts(Retry::max_attempts(9));
    let mut started = 0;
    let result = loop {
        started += 1;
        let outcome = Err::<(), _>(if started < 3 { "busy" } else { "gone" });
        match attempts.settle_if(outcome, |result| matches!(result, Err("busy"))) {
            ControlFlow::Break(answer) => break answer.into_result(),
            ControlFlow::Continue(pause) => pause.await,
        }
    };
    assert_eq!((result, started), (Err("gone"), 3));
}

#[tokio::test(start_paused = true)]
async fn the_predicate_is_not_asked_about_an_error_when_there_is_nothing_to_decide() {
    let asked = Cell::new(0);
    let ask = |_: &Result<(), ()>| {
        asked.set(asked.get() + 1);
        true
    };
    let mut attempts = attempts(Retry::max_attempts(2));
    assert!(attempts.settle_if(Err(()), ask).is_continue());
    assert!(attempts.settle_if(Err(()), ask).is_break());
    assert_eq!(asked.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_not_good_enough_is_retried_and_the_last_one_is_the_answer() {
    let mut attempts = attempts::<u32, ()>(Retry::max_attempts(3));
    let mut value = 0;
    let result = loop {
        value += 1;
        match attempts.settle_if(Ok(value), Result::is_ok) {
            ControlFlow::Break(answer) => break answer.into_result(),
            ControlFlow::Continue(pause) => pause.await,
        }
    };
    assert_eq!(result, Ok(3));
}

/// Not in a runtime: a timer would panic here.
#[test]
fn a_first_success_needs_no_timer() {
    let mut attempts = attempts(Retry::default());
    assert!(attempts.settle(Ok::<(), ()>(())).is_break());
}

/// Counts how often it was cloned.
struct Counted<'a>(&'a Cell<u32>);

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(self.0)
    }
}

/// How often an argument is cloned by a call whose attempts `takes` says use it.
async fn clones(max_attempts: u32, takes: impl Fn(u32) -> bool) -> u32 {
    let count = Cell::new(0);
    let mut argument = Replay::new(Counted(&count));
    let mut attempts = attempts(Retry::max_attempts(max_attempts));
    for attempt in 1.. {
        let last = attempts.is_last();
        if takes(attempt) {
            let _argument = argument.take(last);
        }
        match attempts.settle(Err::<(), _>(())) {
            ControlFlow::Break(_) => break,
            ControlFlow::Continue(pause) => pause.await,
        }
    }
    count.get()
}

#[tokio::test(start_paused = true)]
async fn an_argument_is_cloned_once_less_than_it_is_used() {
    assert_eq!(clones(2, |_| true).await, 1);
    assert_eq!(clones(5, |_| true).await, 4);
    // Refused before they asked for it.
    assert_eq!(clones(5, |attempt| attempt > 3).await, 1);
    assert_eq!(clones(5, |_| false).await, 0);
}

#[test]
fn senseless_policies_panic_with_a_sentence() {
    let sentence = |make: fn()| {
        let panic = std::panic::catch_unwind(make).unwrap_err();
        *panic.downcast_ref::<&str>().unwrap()
    };
    let cases: [(fn(), &str); 6] = [
        (|| _ = Retry::max_attempts(1), "at least 2"),
        (|| _ = Backoff::exponential(Duration::ZERO), "first pause"),
        (
            || _ = Backoff::exponential(SECOND).factor(0.5),
            "at least 1",
        ),
        (
            || _ = Backoff::exponential(SECOND).factor(f64::NAN),
            "finite",
        ),
        (
            || _ = Backoff::exponential(2 * SECOND).max(SECOND),
            "shorter",
        ),
        (|| _ = Backoff::fixed(SECOND).factor(2.0), "has a factor"),
    ];
    for (make, part) in cases {
        let text = sentence(make);
        assert!(text.contains(part), "{text}");
    }
}
