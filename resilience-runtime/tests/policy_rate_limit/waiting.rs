//! Who waits, for how long, and what becomes of those behind one who goes away.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::policy::deadline::with_deadline;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use crate::{SECOND, admit, call, leak, limit, starts};

const TENTH: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn those_who_wait_begin_one_after_the_other_in_the_order_of_arrival() {
    let limit = leak(limit(10, 1).max_wait(SECOND * 60));
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..300 {
        calls.spawn(async move {
            admit(limit).await.unwrap();
            (number, start.elapsed())
        });
    }
    for number in 0..300 {
        let (first, at) = calls.join_next().await.unwrap().unwrap();
        assert_eq!((first, at), (number, TENTH * number));
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_would_wait_too_long_is_rejected_at_once() {
    let limit = leak(limit(10, 1).max_wait(TENTH * 3));
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(async move { (admit(limit).await, start.elapsed()) });
    }
    let (mut admitted, mut rejected) = (Vec::new(), 0);
    while let Some(ended) = calls.join_next().await {
        match ended.unwrap() {
            (Ok(_), at) => admitted.push(at),
            (Err(error), at) => {
                assert_eq!(at, Duration::ZERO);
                assert_eq!(error.retry_after(), Some(TENTH * 4));
                rejected += 1;
            }
        }
    }
    assert_eq!(admitted, [0, 1, 2, 3].map(|number| TENTH * number));
    assert_eq!(rejected, 96);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_outlive_the_deadline_is_not_begun() {
    let limit = leak(limit(10, 1).max_wait(SECOND));
    let start = Instant::now();
    assert!(admit(limit).await.is_ok());
    for left in [TENTH / 2, TENTH] {
        let answer = with_deadline(start + left, admit(limit)).await;
        let error = answer.unwrap_err();
        assert_eq!(error.effect(), Effect::DidNotRun);
        let expected = (TENTH, left);
        assert!(
            matches!(
                error,
                Error::DeadlineTooClose { function: "shop::charge", needed, left, .. }
                    if (needed, left) == expected
            ),
            "{error:?}"
        );
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let later = start + TENTH + Duration::from_nanos(1);
    assert!(with_deadline(later, admit(limit)).await.is_ok());
    assert_eq!(start.elapsed(), TENTH);
    // With nothing to wait for it is not looked at.
    advance(SECOND).await;
    assert!(with_deadline(start, admit(limit)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn all_behind_one_who_is_dropped_move_up() {
    for gone in 0..5_usize {
        let limit = leak(limit(10, 1).max_wait(SECOND * 60));
        assert!(admit(limit).await.is_ok());
        let start = Instant::now();
        let mut calls: Vec<_> = (0..5)
            .map(|_| {
                tokio::spawn(async move {
                    admit(limit).await.unwrap();
                    start.elapsed()
                })
            })
            .collect();
        sleep(TENTH / 2).await;
        let dropped = calls.remove(gone);
        dropped.abort();
        assert!(dropped.await.is_err());
        for (number, call) in (1..).zip(calls) {
            assert_eq!(call.await.unwrap(), TENTH * number, "without {gone}");
        }
    }
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<u32, Error>> + 'a>>;

fn poll(call: &mut Call<'_>) -> Poll<Result<u32, Error>> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_took_nothing() {
    for polls in 0..4 {
        let limit = leak(limit(10, 1).max_wait(SECOND * 60));
        let started = Cell::new(0);
        assert!(admit(limit).await.is_ok());
        let mut dropped: Call = Box::pin(async {
            let call = limit.admit(starts(&started), call());
            call.await.into_result()
        });
        let mut behind: Call = Box::pin(admit(limit));
        for _ in 0..polls {
            assert!(poll(&mut dropped).is_pending());
            assert!(poll(&mut behind).is_pending());
            advance(TENTH / 5).await;
        }
        drop(dropped);
        advance(TENTH).await;
        // Its turn came, and nobody had taken it.
        assert!(matches!(poll(&mut behind), Poll::Ready(Ok(7))));
        assert!(matches!(admit(limit).await, Ok(7)));
        assert_eq!(started.get(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_call_does_not_get_past_the_line() {
    let limit = leak(limit(10, 1).max_wait(SECOND));
    assert!(admit(limit).await.is_ok());
    let mut waits: Call = Box::pin(admit(limit));
    assert!(poll(&mut waits).is_pending());
    advance(TENTH).await;
    // It is the first one's turn, which has not been polled yet.
    let mut later: Call = Box::pin(admit(limit));
    assert!(poll(&mut later).is_pending());
    assert!(poll(&mut waits).is_ready());
    assert!(poll(&mut later).is_pending());
    advance(TENTH).await;
    assert!(poll(&mut later).is_ready());
}

/// One who stands still holds up those behind it, but not for ever.
#[tokio::test(start_paused = true)]
async fn a_wait_behind_one_who_is_never_polled_ends() {
    let limit = leak(limit(10, 1).max_wait(TENTH * 3));
    let start = Instant::now();
    assert!(admit(limit).await.is_ok());
    let mut stuck: Call = Box::pin(admit(limit));
    assert!(poll(&mut stuck).is_pending());
    let error = admit(limit).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }));
    assert_eq!(start.elapsed(), TENTH * 3);
}
