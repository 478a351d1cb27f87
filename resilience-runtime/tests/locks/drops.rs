//! A call that is dropped at every point where it can be, and one that panics.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_test_support::cancel::at_every_await;
use tokio::time::{Instant, sleep};

use crate::store::{Asked, WAY};
use crate::{LOCKED, call, is_held, lock, one, two};

/// Long enough for everything that is under way.
const SETTLE: Duration = Duration::from_millis(20);

#[tokio::test(start_paused = true)]
async fn a_free_lock_comes_back_wherever_the_call_is_dropped() {
    let [(_, runtime), (_, other)] = two().await;
    let inside = Rc::new(Cell::new(0));
    let operation = || {
        let inside = Rc::clone(&inside);
        let body = async move {
            struct Leaves(Rc<Cell<i32>>);
            impl Drop for Leaves {
                fn drop(&mut self) {
                    self.0.set(self.0.get() - 1);
                }
            }
            inside.set(inside.get() + 1);
            let _leaves = Leaves(Rc::clone(&inside));
            sleep(Duration::from_millis(1)).await;
            tokio::task::yield_now().await;
            Ok::<_, Error>(7)
        };
        runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()))
    };
    let summary = at_every_await(operation, |run| {
        let (other, inside) = (&other, &inside);
        async move {
            assert_eq!(inside.get(), 0, "{run:?}");
            sleep(SETTLE).await;
            assert!(!is_held(other).await, "{run:?}");
        }
    })
    .await;
    assert!(summary.dropped >= 12, "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_in_the_line_comes_back_wherever_the_waiter_is_dropped() {
    let [(_, runtime), (_, other)] = two().await;
    let holder = Rc::new(Cell::new(None));
    let operation = || {
        let (runtime, other, holder) = (&runtime, &other, Rc::clone(&holder));
        async move {
            // The holder leaves in the middle of the wait, which lasts for more than one question.
            holder.set(Some(lock(other).acquire().await.unwrap()));
            let leaves = async {
                sleep(Duration::from_millis(1_500)).await;
                drop(holder.take());
            };
            let waits = async { lock(runtime).acquire().await.unwrap().release().await };
            tokio::join!(leaves, waits)
        }
    };
    let summary = at_every_await(operation, |run| {
        let (other, holder) = (&other, &holder);
        async move {
            drop(holder.take());
            sleep(SETTLE).await;
            // Not even for as long as a place is kept.
            assert!(!is_held(other).await, "{run:?}");
        }
    })
    .await;
    assert!(summary.dropped >= 10, "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_dropped_gives_the_lock_back_and_so_does_a_panic() {
    let (store, runtime) = one().await;
    drop(lock(&runtime).acquire().await.unwrap());
    sleep(SETTLE).await;
    assert_eq!(
        store.asked(),
        Asked {
            acquire: 1,
            renew: 0,
            release: 1
        }
    );
    assert!(!is_held(&runtime).await);

    let body = async {
        sleep(Duration::from_millis(1)).await;
        if true {
            panic!("of the body");
        }
        Ok::<_, Error>(7)
    };
    let mut held = Box::pin(runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call())));
    let caught = std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| held.as_mut().poll(context).map(|_| ()));
        match std::panic::catch_unwind(poll) {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(())) => std::task::Poll::Ready(false),
            Err(_) => std::task::Poll::Ready(true),
        }
    });
    assert!(caught.await);
    // Although somebody still keeps the future.
    sleep(SETTLE).await;
    assert!(!is_held(&runtime).await);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_until_what_was_dropped_is_back() {
    let [(_, runtime), (_, other)] = two().await;
    drop(lock(&runtime).acquire().await.unwrap());
    let began = Instant::now();
    let report = runtime.shutdown().await;
    assert_eq!((report.finished, report.left), (1, 0));
    assert!(began.elapsed() <= 2 * WAY + Duration::from_millis(1));
    assert!(!is_held(&other).await);
}

#[test]
fn a_guard_can_be_dropped_outside_of_its_tokio_runtime() {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (runtime, guard) = tokio.block_on(async {
        let (_, runtime) = one().await;
        let guard = lock(&runtime).acquire().await.unwrap();
        (runtime, guard)
    });
    drop(guard);
    let taken = tokio.block_on(lock(&runtime).acquire());
    assert!(taken.is_ok());
}
