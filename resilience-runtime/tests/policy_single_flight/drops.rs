//! A leader that is dropped or panics at each point, and followers that are.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience_runtime::policy::single_flight::SingleFlight;
use resilience_test_support::cancel::at_every_await;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::{Answered, boxed, share, work};

#[tokio::test(start_paused = true)]
async fn when_the_leader_is_dropped_anywhere_the_next_one_runs_its_own_call() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let led = Cell::new(0);
    let leader = || {
        let body = boxed(async {
            led.set(led.get() + 1);
            for _ in 0..3 {
                yield_now().await;
            }
            sleep(Duration::from_millis(1)).await;
            Ok(1)
        });
        share(&FLIGHT, 7, body)
    };
    // Two that join, and one that comes when all is over.
    let mut context = Context::from_waker(Waker::noop());
    for polls in 0..=5 {
        led.set(0);
        let followed = Cell::new(0);
        let follower = |answer| {
            let followed = &followed;
            let body = boxed(async move {
                followed.set(followed.get() + 1);
                yield_now().await;
                Ok(answer)
            });
            share(&FLIGHT, 7, body)
        };
        let mut leader = Box::pin(leader());
        let mut ended = false;
        for poll in 0..polls {
            if poll == 4 {
                sleep(Duration::from_millis(2)).await;
            }
            ended = leader.as_mut().poll(&mut context).is_ready();
        }
        let (mut second, mut third) = (Box::pin(follower(2)), Box::pin(follower(3)));
        if !ended {
            let second = second.as_mut().poll(&mut context);
            assert!(second.is_pending());
            assert!(third.as_mut().poll(&mut context).is_pending());
        }
        let before = followed.get();
        assert_eq!(before, u32::from(polls == 0), "after {polls}");
        drop(leader);
        let (second, third) = tokio::join!(second, third);
        assert_eq!((second.unwrap(), third.unwrap()), (2, 2), "after {polls}");
        assert_eq!((led.get(), followed.get()), (u32::from(polls > 0), 1));
        assert_eq!(FLIGHT.running(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_can_be_dropped_at_every_await() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let runs = Cell::new(0);
    let operation = || async {
        let (first, second, third) = (
            share(&FLIGHT, 7, work(&runs)),
            share(&FLIGHT, 7, work(&runs)),
            share(&FLIGHT, 7, work(&runs)),
        );
        // The leader is given up in the middle.
        let first = tokio::time::timeout(Duration::from_millis(50), first);
        tokio::join!(first, second, third)
    };
    let summary = at_every_await(operation, |run| async move {
        assert_eq!(FLIGHT.running(), 0, "{run:?}");
    })
    .await;
    assert!(summary.dropped >= 4, "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_panics_the_next_one_runs_its_own_call() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let body = boxed(async {
        yield_now().await;
        panic!("of the body")
    });
    let mut leader = Box::pin(share(&FLIGHT, 7, body));
    let runs = Cell::new(0);
    let mut context = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut context).is_pending());
    let mut follower = Box::pin(share(&FLIGHT, 7, boxed(work(&runs))));
    assert!(follower.as_mut().poll(&mut context).is_pending());
    assert_eq!(runs.get(), 0);
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let _: Poll<Answered> = leader.as_mut().poll(&mut context);
    }));
    assert!(panicked.is_err());
    // Although somebody still keeps it.
    assert_eq!(follower.await.unwrap(), 1);
    drop(leader);
    assert_eq!(FLIGHT.running(), 0);
}
