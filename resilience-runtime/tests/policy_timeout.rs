//! Timeouts: who wins, what is dropped when, and what is not even made.

use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::outcome::{Answer, Function, Outcome, function};
use resilience_runtime::policy::timeout::Timeout;
use tokio::time::{Instant, advance, sleep};

const LIMIT: Duration = Duration::from_millis(800);
static TIMEOUT: Timeout = Timeout::after(LIMIT);

fn leak(timeout: Timeout) -> &'static Timeout {
    Box::leak(Box::new(timeout))
}

type Call = Function<Result<u32, Error>>;

fn call() -> Call {
    function::<Result<u32, Error>>("shop::charge")
}

async fn run(
    timeout: &'static Timeout,
    body: impl Future<Output = Result<u32, Error>>,
) -> Result<u32, Error> {
    timeout.limit(body, call()).await.into_result()
}

#[tokio::test(start_paused = true)]
async fn a_call_in_time_answers() {
    let body = async {
        sleep(LIMIT - Duration::from_millis(1)).await;
        Ok(7)
    };
    assert_eq!(run(&TIMEOUT, body).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_over_its_time_is_cut_off_and_says_so() {
    let start = Instant::now();
    let error = run(&TIMEOUT, pending()).await.unwrap_err();
    assert_eq!(start.elapsed(), LIMIT);
    assert_eq!(error.effect(), Effect::MayHaveRun);
    assert!(matches!(
        error,
        Error::TimedOut {
            function: "shop::charge",
            after: LIMIT,
        }
    ));
}

/// Counts when it is dropped.
struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_off_is_dropped_before_the_answer() {
    let drops = Arc::new(AtomicU32::new(0));
    let held = Counted(Arc::clone(&drops));
    let body = async move {
        let _held = held;
        pending::<Result<u32, Error>>().await
    };
    let mut limited = pin!(TIMEOUT.limit(body, call()));
    let answer = limited.as_mut().await;
    assert_eq!(
        drops.load(Ordering::Relaxed),
        1,
        "the future itself is still there"
    );
    assert!(answer.into_result().is_err());
    // And polling it again is harmless.
    let mut context = Context::from_waker(Waker::noop());
    assert!(limited.as_mut().poll(&mut context).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_completes_late_but_before_it_is_looked_at_has_completed() {
    let mut limited = pin!(TIMEOUT.limit(
        async {
            sleep(LIMIT * 2).await;
            Ok(7)
        },
        call()
    ));
    let mut context = Context::from_waker(Waker::noop());
    assert!(limited.as_mut().poll(&mut context).is_pending());
    advance(LIMIT * 3).await;
    assert_eq!(limited.await.into_result().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_time_runs_from_the_first_poll_and_is_not_extended() {
    let limited = TIMEOUT.limit(pending::<Result<u32, Error>>(), call());
    advance(LIMIT * 10).await;
    let mut limited = pin!(limited);
    let start = Instant::now();
    let mut context = Context::from_waker(Waker::noop());
    assert!(limited.as_mut().poll(&mut context).is_pending());
    advance(LIMIT / 2).await;
    assert!(limited.as_mut().poll(&mut context).is_pending());
    assert!(limited.await.into_result().is_err());
    assert_eq!(start.elapsed(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn time_spent_in_the_first_poll_counts() {
    let mut first = true;
    let body = poll_fn(|_| {
        if std::mem::take(&mut first) {
            // Stands for a body that computes before it waits.
            let mut context = Context::from_waker(Waker::noop());
            assert!(pin!(advance(LIMIT)).poll(&mut context).is_pending());
        }
        Poll::<Result<u32, Error>>::Pending
    });
    let start = Instant::now();
    assert!(run(&TIMEOUT, body).await.is_err());
    assert!(start.elapsed() <= LIMIT + Duration::from_millis(1));
}

/// Not in a runtime, where a timer would panic.
fn poll_without_a_runtime(
    timeout: &'static Timeout,
    body: impl Future<Output = Result<u32, Error>>,
) -> Poll<Result<u32, Error>> {
    let mut context = Context::from_waker(Waker::noop());
    pin!(timeout.limit(body, call()))
        .poll(&mut context)
        .map(Answer::into_result)
}

#[test]
fn a_ready_call_makes_no_timer() {
    let polled = poll_without_a_runtime(&TIMEOUT, ready(Ok(7)));
    assert!(matches!(polled, Poll::Ready(Ok(7))));
}

#[test]
fn the_longest_time_is_never() {
    let millennium = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);
    for forever in [Duration::MAX, Duration::from_secs(u64::MAX / 2), millennium] {
        let polled = poll_without_a_runtime(leak(Timeout::after(forever)), pending());
        assert!(polled.is_pending());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_years_are_a_limit_too() {
    let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let body = async {
        sleep(LIMIT).await;
        Ok(7)
    };
    assert_eq!(run(leak(Timeout::after(century)), body).await.unwrap(), 7);
}

#[tokio::test]
async fn a_call_that_uses_up_its_budget_in_every_poll_is_cut_off() {
    // The paused clock stands still while a task is busy, so that this task moves it.
    tokio::time::pause();
    let busy = poll_fn(|context| {
        while let Poll::Ready(()) = pin!(tokio::task::consume_budget()).poll(context) {}
        Poll::<Result<u32, Error>>::Pending
    });
    let clock = async {
        loop {
            advance(LIMIT / 4).await;
            tokio::task::yield_now().await;
        }
    };
    let turns = Arc::new(AtomicU32::new(0));
    let counted = {
        let turns = Arc::clone(&turns);
        async move {
            let mut busy = pin!(busy);
            poll_fn(|context| {
                // A bound, so that a timeout which never fires is a failure and not a hang.
                if turns.fetch_add(1, Ordering::Relaxed) > 1_000 {
                    return Poll::Ready(Ok(0));
                }
                busy.as_mut().poll(context)
            })
            .await
        }
    };
    let clock = tokio::spawn(clock);
    let result = run(&TIMEOUT, counted).await;
    clock.abort();
    assert!(matches!(result, Err(Error::TimedOut { .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn the_inner_limit_of_two_answers_first() {
    let inner = leak(Timeout::after(LIMIT / 2)).limit(pending::<Result<u32, Error>>(), call());
    let outer = TIMEOUT.limit(inner, call());
    let error = outer.await.into_result().unwrap_err();
    assert!(matches!(error, Error::TimedOut { after, .. } if after == LIMIT / 2));
}

#[test]
fn a_limit_of_zero_panics_with_a_sentence() {
    let panic = std::panic::catch_unwind(|| Timeout::after(Duration::ZERO)).unwrap_err();
    assert!(
        panic
            .downcast_ref::<&str>()
            .unwrap()
            .contains("longer time")
    );
}

/// What generated code wraps need not be sent, and neither need what it returns.
#[tokio::test(start_paused = true)]
async fn nothing_has_to_be_sent() {
    let body = async { Ok::<_, Error>(std::rc::Rc::new(7)) };
    let answer = TIMEOUT
        .limit(body, function::<Result<std::rc::Rc<u32>, Error>>("rc"))
        .await;
    assert_eq!(*answer.into_answer().into_result().unwrap(), 7);
}
