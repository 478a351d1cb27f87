//! Locks within the process: the type, and `#[locked(local)]`.

// A panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::invocation::fencing_token;
use resilience_runtime::lock::Locked;
use resilience_runtime::outcome::{Function, function};
use resilience_runtime::policy::deadline::with_deadline;
use resilience_runtime::policy::keyed_lock::KeyedLock;
use resilience_test_support::cancel::at_every_await;
use tokio::task::{JoinSet, LocalSet, yield_now};
use tokio::time::{Instant, sleep};

fn call() -> Function<Result<u32, Error>> {
    function::<Result<u32, Error>>("shop::publish")
}

#[tokio::test(start_paused = true)]
async fn n_waiters_are_served_in_the_order_they_came() {
    let locks = KeyedLock::new();
    let (order, inside) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
    let began = Instant::now();
    let tasks = LocalSet::new();
    for number in 0..50 {
        let (locks, order, inside) = (locks.clone(), Rc::clone(&order), Rc::clone(&inside));
        tasks.spawn_local(async move {
            let guard = locks.lock("key").await.unwrap();
            assert_eq!(inside.replace(1), 0);
            order.borrow_mut().push(number);
            sleep(Duration::from_millis(10)).await;
            inside.set(0);
            drop(guard);
            // It does not get past those who wait.
            assert!(locks.try_lock("key").is_none() || number == 49);
        });
    }
    tasks.await;
    assert_eq!(*order.borrow(), (0..50).collect::<Vec<_>>());
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    assert!(locks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn keys_do_not_wait_for_each_other_and_leave_nothing() {
    static LOCKS: KeyedLock<u32> = KeyedLock::new();
    let mut guards = Vec::new();
    for key in 0..10_000 {
        guards.push(LOCKS.lock(key).await.unwrap());
    }
    assert_eq!(LOCKS.len(), 10_000);
    assert!(LOCKS.try_lock(9_999).is_none());
    assert_eq!(LOCKS.len(), 10_000);
    assert_eq!(*guards[3].key(), 3);
    guards.clear();
    assert!(LOCKS.is_empty());
    assert!(LOCKS.try_lock(9_999).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_can_be_dropped_anywhere() {
    let locks = KeyedLock::new();
    let holder = RefCell::new(None);
    let operation = || {
        let (locks, holder) = (&locks, &holder);
        async move {
            holder.replace(Some(locks.lock(7).await.unwrap()));
            let before = async {
                yield_now().await;
                holder.replace(None);
            };
            let waits = locks.run(7, async {
                sleep(Duration::from_millis(1)).await;
                yield_now().await;
            });
            let behind = async { drop(locks.lock(7).await) };
            tokio::join!(waits, behind, before)
        }
    };
    let check = |run| {
        let (locks, holder) = (&locks, &holder);
        async move {
            holder.replace(None);
            assert!(locks.is_empty(), "{run:?}");
        }
    };
    let summary = at_every_await(operation, check).await;
    assert!(summary.dropped >= 6, "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_dropped_when_it_was_called_goes_to_the_next() {
    let locks = KeyedLock::new();
    let mut context = Context::from_waker(Waker::noop());
    let guard = locks.try_lock(7).unwrap();
    let mut first = Box::pin(locks.lock(7));
    let mut second = pin!(locks.lock(7));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(guard);
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    assert!(second.as_mut().poll(&mut context).is_ready());
}

#[tokio::test(start_paused = true)]
async fn recursion_is_an_error() {
    let locks = KeyedLock::new();
    let inner = async {
        let error = locks.lock("a key").await.unwrap_err();
        assert!(
            matches!(&error, Error::Recursive { key, .. } if key == "\"a key\""),
            "{error}"
        );
        assert_eq!(error.effect(), Effect::DidNotRun);
        let deeper = locks.run("another", locks.run("a key", async {}));
        deeper.await.unwrap().unwrap_err()
    };
    let error = locks.run("a key", inner).await.unwrap();
    assert!(matches!(error, Error::Recursive { .. }), "{error}");
    let guard = locks.lock("a key").await.unwrap();
    assert!(guard.run(locks.lock("a key")).await.is_err());
    // Of other locks the key is another one.
    let others = KeyedLock::new();
    assert!(guard.run(others.lock("a key")).await.is_ok());
    drop(guard);
    assert!(locks.is_empty() && locks.lock("a key").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_deadline() {
    let locks = KeyedLock::new();
    let guard = locks.lock(7).await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(100);
    let error = with_deadline(deadline, locks.lock(7)).await.unwrap_err();
    assert_eq!(Instant::now(), deadline);
    let waited = Duration::from_millis(100);
    assert!(
        matches!(error, Error::DeadlineTooClose { needed, .. } if needed == waited),
        "{error}"
    );
    let error = with_deadline(deadline, locks.lock(7)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::DeadlineTooClose {
            needed: Duration::ZERO,
            ..
        }
    ));
    drop(guard);
    // One that is free is not asked for its deadline.
    assert!(with_deadline(deadline, locks.lock(7)).await.is_ok());
    assert!(locks.is_empty());
}

const LOCAL: Locked = Locked::named("documents")
    .wait(Duration::from_millis(50))
    .local();

#[tokio::test(start_paused = true)]
async fn a_local_lock_needs_no_runtime_and_waits_as_long_as_it_may() {
    let body = || async {
        sleep(Duration::from_millis(30)).await;
        Ok::<_, Error>(u32::from(fencing_token().is_some()))
    };
    let held = |key: u32| LOCAL.hold(LOCAL.key(&key), body(), call());
    let began = Instant::now();
    let (first, second, third, other) = tokio::join!(held(1), held(1), held(1), held(2));
    assert_eq!(first.into_result().unwrap(), 0);
    assert_eq!(second.into_result().unwrap(), 0);
    assert_eq!(other.into_result().unwrap(), 0);
    let error = third.into_result().unwrap_err();
    let waited = Duration::from_millis(50);
    assert!(
        matches!(&error, Error::LockBusy { lock, waited: it, lease_left: None, .. }
            if lock == "documents" && *it == waited),
        "{error}"
    );
    assert_eq!(began.elapsed(), Duration::from_millis(60));

    let at_once = LOCAL.wait(Duration::ZERO);
    let inner = async {
        let refused = at_once.hold(at_once.key(&1_u8), body(), call()).await;
        refused.into_result()
    };
    let error = LOCAL.hold(LOCAL.key(&1), inner, call()).await.into_result();
    assert!(
        matches!(&error, Err(Error::Recursive { function, .. }) if function == "shop::publish"),
        "{error:?}"
    );
}

#[test]
fn a_local_lock_that_is_free_needs_no_tokio() {
    let held = LOCAL.hold(LOCAL.key(&9), async { Ok::<_, Error>(7) }, call());
    let mut context = Context::from_waker(Waker::noop());
    let polled = pin!(held).poll(&mut context);
    assert!(polled.is_ready());
}

/// On real time: on four threads, never two inside.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_four_threads_never_two_are_inside() {
    static LOCKS: KeyedLock<usize> = KeyedLock::new();
    let inside: Arc<[AtomicU32; 4]> = Arc::default();
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let inside = Arc::clone(&inside);
        tasks.spawn(async move {
            for round in 0..500 {
                let key = (task + round) % 4;
                let body = async {
                    assert_eq!(inside[key].fetch_add(1, Ordering::SeqCst), 0, "two inside");
                    yield_now().await;
                    inside[key].fetch_sub(1, Ordering::SeqCst);
                };
                LOCKS.run(key, body).await.unwrap();
            }
        });
    }
    assert_eq!(tasks.join_all().await.len(), 20);
    assert!(LOCKS.is_empty());
}
