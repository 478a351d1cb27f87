//! Waits, and the deadline of the call.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::policy::deadline::with_deadline;
use resilience_runtime::policy::timeout::Timeout;
use tokio::time::{Instant, advance, sleep};

use crate::{WORK, bulkhead, call, counts, leak, work};

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_deadline() {
    let bulkhead = leak(bulkhead(1, 1).max_wait(WORK));
    let start = Instant::now();
    let waits = with_deadline(start + WORK / 4, bulkhead.enter(work(), call()));
    let waits = async {
        let answer = waits.await;
        (answer.into_result().unwrap_err(), start.elapsed())
    };
    let (ran, (error, ended)) = tokio::join!(bulkhead.enter(work(), call()), waits);
    assert_eq!(ran.into_result().unwrap(), 7);
    assert_eq!(ended, WORK / 4);
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert!(matches!(
        error,
        Error::DeadlineTooClose {
            function: "shop::charge",
            needed,
            left: Duration::ZERO,
            ..
        } if needed == WORK / 4
    ));
    assert_eq!(counts(bulkhead), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_after_the_longest_wait_changes_nothing() {
    let bulkhead = leak(bulkhead(1, 1).max_wait(WORK / 4));
    let at = Instant::now() + WORK / 2;
    let waits = with_deadline(at, bulkhead.enter(work(), call()));
    let (_, waited) = tokio::join!(bulkhead.enter(work(), call()), waits);
    let error = waited.into_result().unwrap_err();
    assert!(matches!(error, Error::BulkheadFull { waited, .. } if waited == WORK / 4));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_does_not_queue() {
    let bulkhead = leak(bulkhead(1, 1));
    let now = Instant::now();
    let late = async {
        let answer = with_deadline(now, bulkhead.enter(work(), call())).await;
        (answer.into_result().unwrap_err(), now.elapsed())
    };
    let (_, (error, ended)) = tokio::join!(bulkhead.enter(work(), call()), late);
    assert_eq!(ended, Duration::ZERO);
    assert!(matches!(
        error,
        Error::DeadlineTooClose {
            needed: Duration::ZERO,
            left: Duration::ZERO,
            ..
        }
    ));
    // A free place is given without a look at the deadline.
    let answer = with_deadline(now, bulkhead.enter(work(), call())).await;
    assert_eq!(answer.into_result().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_comes_at_the_deadline_goes_to_the_next() {
    let bulkhead = leak(bulkhead(1, 2));
    let started = Cell::new(false);
    let body = async {
        started.set(true);
        Ok(1)
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut holds = Box::pin(bulkhead.enter(work(), call()));
    assert!(holds.as_mut().poll(&mut context).is_pending());
    let entered = bulkhead.enter(body, call());
    let mut late = pin!(with_deadline(Instant::now() + WORK, entered));
    assert!(late.as_mut().poll(&mut context).is_pending());
    let mut next = pin!(bulkhead.enter(work(), call()));
    assert!(next.as_mut().poll(&mut context).is_pending());
    advance(WORK).await;
    drop(holds);
    assert_eq!(counts(bulkhead), (1, 1));
    assert!(matches!(
        late.await.into_result(),
        Err(Error::DeadlineTooClose { .. })
    ));
    assert!(!started.get());
    assert_eq!(counts(bulkhead), (1, 0));
    assert_eq!(next.await.into_result().unwrap(), 7);
    assert_eq!(counts(bulkhead), (0, 0));
}

/// The call did not run, which is more than a timeout can say of it.
#[tokio::test(start_paused = true)]
async fn a_timeout_around_it_lets_it_say_that_it_did_not_run() {
    static TIMEOUT: Timeout = Timeout::after(Duration::from_millis(50));
    let bulkhead = leak(bulkhead(1, 1));
    let waits = async {
        sleep(Duration::from_millis(1)).await;
        let entered = bulkhead.enter(work(), call());
        TIMEOUT.limit(entered, call()).await.into_result()
    };
    let (_, waited) = tokio::join!(bulkhead.enter(work(), call()), waits);
    let error = waited.unwrap_err();
    assert!(matches!(error, Error::DeadlineTooClose { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::DidNotRun);
}
