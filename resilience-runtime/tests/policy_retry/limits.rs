//! The budget and the deadline: when there is no other attempt although there could be.

use std::ops::ControlFlow;
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::outcome::{errors, function};
use resilience_runtime::policy::deadline::{deadline, with_deadline};
use resilience_runtime::policy::retry::{Backoff, Jitter, Retry, RetryBudget};
use tokio::time::{Instant, advance, sleep};

use crate::SECOND;

/// An error that can carry a policy's failure, and be the source of one.
#[derive(Debug)]
enum Failure {
    Body,
    Policy(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for Failure {}

type Reply = Result<u32, Failure>;

/// A call that fails `failures` times, each attempt after `each`: the result, and how many attempts
/// there were.
async fn call(retry: &'static Retry, failures: u32, each: Duration) -> (Reply, u32) {
    let known = errors::<Reply>().wrapped();
    let mut attempts = retry.attempts(function::<Reply>("shop::charge"), known);
    let mut made = 0;
    loop {
        made += 1;
        let attempt = attempts.within(async {
            sleep(each).await;
            if made > failures {
                Ok(made)
            } else {
                Err(Failure::Body)
            }
        });
        match attempts.settle(attempt.await) {
            ControlFlow::Break(answer) => return (answer.into_result(), made),
            ControlFlow::Continue(pause) => pause.await,
        }
    }
}

fn leak(retry: Retry) -> &'static Retry {
    Box::leak(Box::new(retry))
}

/// Without pauses.
fn at_once(attempts: u32) -> Retry {
    Retry::max_attempts(attempts).backoff(Backoff::fixed(Duration::ZERO))
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_says_so_with_the_last_error() {
    let budget = RetryBudget::for_function("shop").burst(3).per_second(0);
    let retry = leak(at_once(10).budget(budget));
    let (result, made) = call(retry, 10, Duration::ZERO).await;
    assert_eq!(made, 4);
    let Err(Failure::Policy(error)) = result else {
        unreachable!("{result:?}")
    };
    assert_eq!(error.effect(), Effect::Ran);
    let Error::RetryBudgetExhausted {
        function,
        budget,
        source,
        ..
    } = error
    else {
        unreachable!("{error:?}")
    };
    assert_eq!((function, budget), ("shop::charge", "shop"));
    assert_eq!(source.to_string(), "no answer");
}

#[tokio::test(start_paused = true)]
async fn a_success_gives_back_a_share_and_the_time_the_rest() {
    let budget = RetryBudget::for_function("shop").burst(2).per_second(1);
    let retry = leak(at_once(10).budget(budget));
    assert_eq!(call(retry, 10, Duration::ZERO).await.1, 3);
    for _ in 0..5 {
        assert_eq!(call(retry, 0, Duration::ZERO).await.1, 1);
    }
    assert_eq!(call(retry, 10, Duration::ZERO).await.1, 2);
    advance(SECOND).await;
    assert_eq!(call(retry, 10, Duration::ZERO).await.1, 2);
    advance(100 * SECOND).await;
    assert_eq!(
        call(retry, 10, Duration::ZERO).await.1,
        3,
        "never over the burst"
    );
}

#[tokio::test(start_paused = true)]
async fn by_default_there_are_a_hundred_retries_and_without_a_budget_all() {
    assert_eq!(
        call(leak(at_once(1_000)), 1_000, Duration::ZERO).await.1,
        101
    );
    let without = leak(at_once(1_000).without_budget());
    assert_eq!(call(without, 1_000, Duration::ZERO).await.1, 1_000);
}

#[tokio::test(start_paused = true)]
async fn budgets_of_one_name_are_one() {
    let budget = || RetryBudget::named("one").burst(3).per_second(0);
    let (one, other) = (at_once(10).budget(budget()), at_once(10).budget(budget()));
    let (one, other) = (leak(one), leak(other));
    assert_eq!(call(one, 2, Duration::ZERO).await.1, 3);
    assert_eq!(call(other, 10, Duration::ZERO).await.1, 2);
    static PLACED: RetryBudget = RetryBudget::for_function("placed").burst(1);
    let (one, other) = (
        leak(at_once(2).shared_budget(&PLACED)),
        leak(at_once(2).shared_budget(&PLACED)),
    );
    assert_eq!(call(one, 9, Duration::ZERO).await.1, 2);
    assert_eq!(call(other, 9, Duration::ZERO).await.1, 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_with_two_configurations_is_reported_at_the_failure() {
    let one = leak(at_once(3).budget(RetryBudget::named("two")));
    let other = leak(at_once(3).budget(RetryBudget::named("two").burst(7)));
    assert_eq!(call(one, 9, Duration::ZERO).await.1, 3);
    let (result, made) = call(other, 9, Duration::ZERO).await;
    assert_eq!(made, 1);
    let Err(Failure::Policy(error)) = result else {
        unreachable!("{result:?}")
    };
    // The body ran, and the error says so.
    assert_eq!(error.effect(), Effect::Ran);
    let source = std::error::Error::source(&error).unwrap();
    assert!(matches!(
        source.downcast_ref(),
        Some(Error::NameConflict { name: "two", .. })
    ));
    assert!(call(other, 0, Duration::ZERO).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_in_its_pause_has_taken_its_token() {
    let budget = RetryBudget::for_function("shop").burst(2).per_second(0);
    let retry = leak(Retry::max_attempts(9).budget(budget).jitter(Jitter::None));
    let dropped = tokio::time::timeout(SECOND / 2, call(retry, 9, Duration::ZERO)).await;
    assert!(dropped.is_err());
    assert_eq!(call(retry, 9, Duration::ZERO).await.1, 2);
}

/// Attempts of 1 s with 1 s in between, until `deadline`.
fn in_steps(deadline: Option<Duration>) -> &'static Retry {
    let retry = Retry::max_attempts(9)
        .backoff(Backoff::fixed(SECOND))
        .jitter(Jitter::None);
    leak(match deadline {
        Some(time) => retry.deadline(time),
        None => retry,
    })
}

#[tokio::test(start_paused = true)]
async fn no_pause_begins_that_ends_at_the_deadline_or_after_it() {
    // Attempts begin after 0, 2, 4 and 6 seconds, and the deadline may be the retry's or another's.
    for (after, expected) in [(4_000, 2), (4_001, 3), (1_000, 1), (2_001, 2)] {
        let after = Duration::from_millis(after);
        for around in [false, true] {
            let start = Instant::now();
            let (result, made) = if around {
                with_deadline(start + after, call(in_steps(None), 9, SECOND)).await
            } else {
                call(in_steps(Some(after)), 9, SECOND).await
            };
            assert_eq!(made, expected, "{after:?}");
            // The attempt that ran was not cut off.
            assert_eq!(start.elapsed(), SECOND * (2 * expected - 1));
            let Err(Failure::Policy(Error::DeadlineTooClose {
                needed,
                left,
                effect,
                source,
                ..
            })) = result
            else {
                unreachable!("{result:?}")
            };
            assert_eq!((needed, effect), (SECOND, Effect::Ran));
            assert_eq!(left, after.saturating_sub(start.elapsed()));
            assert_eq!(source.unwrap().to_string(), "no answer");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn inside_the_deadline_is_known_and_outside_it_is_not() {
    let retry = leak(Retry::default().deadline(5 * SECOND));
    let start = Instant::now();
    let attempts = retry.attempts(function::<Reply>("shop::charge"), errors::<Reply>());
    assert_eq!(
        attempts.within(async { deadline() }).await,
        Some(start + 5 * SECOND)
    );
    assert_eq!(deadline(), None);
    let earlier = with_deadline(start + SECOND, attempts.within(async { deadline() }));
    assert_eq!(earlier.await, Some(start + SECOND));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_cannot_be_a_source_is_handed_on() {
    let retry = leak(at_once(9).budget(RetryBudget::for_function("shop").burst(1).per_second(0)));
    let mut attempts = retry.attempts(function::<Reply>("shop::charge"), errors::<Reply>());
    assert!(attempts.settle(Reply::Err(Failure::Body)).is_continue());
    let ControlFlow::Break(answer) = attempts.settle(Reply::Err(Failure::Body)) else {
        unreachable!("the budget is used up")
    };
    assert!(matches!(answer.into_result(), Err(Failure::Body)));
}

#[tokio::test(start_paused = true)]
async fn an_error_may_ask_for_a_pause_up_to_the_longest() {
    let backoff = Backoff::exponential(SECOND).max(10 * SECOND);
    let retry = leak(Retry::max_attempts(2).backoff(backoff).jitter(Jitter::None));
    for (asked, pause) in [(None, 1), (Some(0), 1), (Some(4), 4), (Some(60), 10)] {
        let asked = asked.map(Duration::from_secs);
        let attempts = || retry.attempts(function::<Reply>("shop::charge"), errors());
        let error = || Reply::Err(Failure::Body);
        for chosen in [true, false] {
            let settled = if chosen {
                attempts().settle_after(error(), |_| true, |_| asked)
            } else {
                attempts().settle_not_before(error(), |_| asked)
            };
            let ControlFlow::Continue(settled) = settled else {
                unreachable!("it may go on")
            };
            let start = Instant::now();
            settled.await;
            assert_eq!(start.elapsed(), SECOND * pause, "{asked:?}");
        }
    }
}
