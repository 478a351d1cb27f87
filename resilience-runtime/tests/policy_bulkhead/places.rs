//! Exact counts, on paused time.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience_runtime::catalog::Policy;
use resilience_runtime::error::{Effect, Error};
use resilience_runtime::policy::bulkhead::Bulkhead;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::{WORK, bulkhead, call, counts, leak, work};

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_run_ten_at_a_time() {
    static MOST: AtomicU32 = AtomicU32::new(0);
    let bulkhead = leak(bulkhead(10, 90));
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(async move {
            let body = async {
                MOST.fetch_max(bulkhead.running(), Ordering::Relaxed);
                work().await
            };
            bulkhead.enter(body, call()).await.into_result()
        });
    }
    while let Some(result) = calls.join_next().await {
        assert_eq!(result.unwrap().unwrap(), 7);
    }
    assert_eq!(start.elapsed(), WORK * 10);
    assert_eq!(MOST.load(Ordering::Relaxed), 10);
    assert_eq!(counts(bulkhead), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_finds_neither_a_place_nor_a_seat_is_rejected_at_once() {
    let bulkhead = leak(bulkhead(3, 2));
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..300 {
        calls.spawn(async { bulkhead.enter(work(), call()).await.into_result() });
    }
    let (mut answered, mut rejected) = (0, 0);
    while let Some(result) = calls.join_next().await {
        match result.unwrap() {
            Ok(7) => answered += 1,
            Err(error) => {
                assert_eq!(error.effect(), Effect::DidNotRun);
                assert!(matches!(
                    error,
                    Error::BulkheadFull {
                        bulkhead: "shop::charge",
                        waited: Duration::ZERO
                    }
                ));
                assert_eq!(start.elapsed(), Duration::ZERO);
                rejected += 1;
            }
            Ok(other) => panic!("{other}"),
        }
    }
    assert_eq!((answered, rejected), (5, 295));
}

#[tokio::test(start_paused = true)]
async fn places_are_given_in_the_order_of_arrival() {
    let bulkhead = leak(bulkhead(1, 20));
    let order = RefCell::new(Vec::new());
    let order = &order;
    let calls = (0..20).map(|number| {
        let body = async move {
            order.borrow_mut().push(number);
            work().await
        };
        bulkhead.enter(body, call())
    });
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut context = Context::from_waker(Waker::noop());
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(counts(bulkhead), (1, 19));
    // Polled from the end, they still run from the front.
    for _ in 0..20 {
        sleep(WORK).await;
        calls.reverse();
        for call in calls.iter_mut().rev() {
            let _ = call.as_mut().poll(&mut context);
        }
        calls.reverse();
        for call in calls.iter_mut().rev() {
            let _ = call.as_mut().poll(&mut context);
        }
    }
    assert_eq!(*order.borrow(), (0..20).collect::<Vec<_>>());
    assert_eq!(counts(bulkhead), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_new_call_does_not_get_past_the_queue() {
    let bulkhead = leak(bulkhead(1, 1));
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(bulkhead.enter(work(), call()));
    let mut second = Box::pin(bulkhead.enter(work(), call()));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    // The place is the second's, although it was not polled since.
    assert_eq!(counts(bulkhead), (1, 0));
    let mut third = Box::pin(bulkhead.enter(work(), call()));
    assert!(third.as_mut().poll(&mut context).is_pending());
    assert_eq!(counts(bulkhead), (1, 1));
    assert_eq!(second.await.into_result().unwrap(), 7);
    assert_eq!(third.await.into_result().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_ends_in_a_rejection_and_the_body_never_starts() {
    let bulkhead = leak(bulkhead(1, 5).max_wait(WORK / 2));
    let started = Cell::new(false);
    let start = Instant::now();
    let waits = bulkhead.enter(
        async {
            started.set(true);
            Ok(1)
        },
        call(),
    );
    let (ran, waited) = tokio::join!(bulkhead.enter(work(), call()), waits);
    assert_eq!(ran.into_result().unwrap(), 7);
    let error = waited.into_result().unwrap_err();
    assert!(matches!(error, Error::BulkheadFull { waited, .. } if waited == WORK / 2));
    assert!(!started.get());
    assert_eq!(start.elapsed(), WORK);
    assert_eq!(counts(bulkhead), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_gives_the_place_back_even_while_the_future_lives() {
    let bulkhead = leak(bulkhead(1, 1));
    let mut context = Context::from_waker(Waker::noop());
    let body = poll_fn(|_| -> Poll<Result<u32, Error>> { panic!("the body's") });
    let mut panics = Box::pin(bulkhead.enter(body, call()));
    let mut waits = pin!(bulkhead.enter(work(), call()));
    let polled = catch_unwind(AssertUnwindSafe(|| {
        panics.as_mut().poll(&mut context).is_ready()
    }));
    assert!(polled.is_err());
    assert_eq!(counts(bulkhead), (0, 0));
    assert!(waits.as_mut().poll(&mut context).is_pending());
    assert_eq!(counts(bulkhead), (1, 0));
    drop(panics);
    assert_eq!(counts(bulkhead), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn it_is_lazy_and_harmless_after_its_end() {
    let bulkhead = leak(bulkhead(1, 0));
    let unpolled = bulkhead.enter(work(), call());
    assert_eq!(counts(bulkhead), (0, 0));
    let mut runs = pin!(bulkhead.enter(work(), call()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(runs.as_mut().poll(&mut context).is_pending());
    let mut rejected = pin!(unpolled);
    let Poll::Ready(answer) = rejected.as_mut().poll(&mut context) else {
        panic!("it waits");
    };
    assert!(answer.into_result().is_err());
    assert!(rejected.as_mut().poll(&mut context).is_pending());
    assert_eq!(runs.as_mut().await.into_result().unwrap(), 7);
    assert!(runs.as_mut().poll(&mut context).is_pending());
    assert_eq!(counts(bulkhead), (0, 0));
}

#[test]
fn a_free_place_needs_no_runtime() {
    let bulkhead = leak(bulkhead(1, 1).max_wait(WORK));
    let mut context = Context::from_waker(Waker::noop());
    let mut entered = pin!(bulkhead.enter(async { Ok(7) }, call()));
    assert!(entered.as_mut().poll(&mut context).is_ready());
}

#[test]
fn the_catalog_knows_what_it_is_configured_with() {
    struct Described(Bulkhead);
    impl std::fmt::Display for Described {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.describe(f)
        }
    }
    let worst = |bulkhead: Bulkhead| bulkhead.worst_case(Some(WORK));
    assert_eq!(worst(bulkhead(3, 0)), Some(WORK));
    assert_eq!(worst(bulkhead(3, 1)), None);
    assert_eq!(worst(bulkhead(3, 1).max_wait(WORK)), Some(WORK * 2));
    assert_eq!(bulkhead(3, 1).max_wait(WORK).worst_case(None), None);
    let described = Described(bulkhead(3, 1).max_wait(WORK)).to_string();
    assert_eq!(
        described,
        "max_concurrent = 3, max_queue = 1, max_wait = 100ms"
    );
    assert_eq!(bulkhead(3, 1).name(), None);
    assert_eq!(Bulkhead::named("db").name(), Some("db"));
}

#[test]
fn what_makes_no_sense_panics_with_a_sentence() {
    let sentence = |make: fn() -> Bulkhead| {
        let panic = catch_unwind(make).unwrap_err();
        panic.downcast_ref::<&str>().unwrap().to_string()
    };
    assert!(sentence(|| bulkhead(0, 1)).contains("at least 1"));
    assert!(sentence(|| bulkhead(1, 1).max_wait(Duration::ZERO)).contains("longer than zero"));
}
