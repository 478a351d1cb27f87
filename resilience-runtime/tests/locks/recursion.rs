//! Asking for a lock inside of what holds it.

use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use tokio::time::Instant;

use crate::{LOCKED, call, lock, one};

#[tokio::test(start_paused = true)]
async fn a_body_that_asks_for_its_own_lock_gets_an_error_at_once() {
    let (store, runtime) = one().await;
    let began = Instant::now();
    let body = async {
        let inner = LOCKED.hold(LOCKED.key(&7), async { Ok::<_, Error>(1) }, call());
        let error = inner.await.into_result().unwrap_err();
        assert!(
            matches!(&error, Error::Recursive { function, .. } if function == "shop::publish"),
            "{error}"
        );
        assert_eq!(error.effect(), Effect::DidNotRun);
        let error = lock(&runtime).try_acquire().await.unwrap_err();
        assert!(matches!(&error, Error::Recursive { function, .. } if function == "documents"));
        // Another lock is another lock, and inside of that one the first is still held.
        let inner = LOCKED.hold(
            LOCKED.key(&8),
            async { lock(&runtime).acquire().await.map(|_| 1) },
            call(),
        );
        let error = inner.await.into_result().unwrap_err();
        assert!(matches!(error, Error::Recursive { .. }), "{error}");
        Ok::<_, Error>(7)
    };
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()));
    assert_eq!(held.await.into_result().unwrap(), 7);
    assert!(began.elapsed() < Duration::from_millis(20));
    // Of the four questions two came to the store.
    assert_eq!(store.asked().acquire, 2);
}

#[tokio::test(start_paused = true)]
async fn so_does_what_a_guard_runs() {
    let (_, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let inner = guard.run(async { lock(&runtime).acquire().await.map(|_| ()) });
    let error = inner.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Recursive { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn two_calls_beside_each_other_in_one_task_are_no_recursion() {
    let (_, runtime) = one().await;
    let held = || {
        let body = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok::<_, Error>(7)
        };
        runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()))
    };
    let (one, other) = tokio::join!(held(), held());
    assert_eq!(
        one.into_result().unwrap() + other.into_result().unwrap(),
        14
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_nothing_is_held_by_the_thread() {
    let (_, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let mut panics = Box::pin(guard.run(async { panic!("of the body") }));
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _: std::task::Poll<Result<(), Error>> = panics.as_mut().poll(&mut context);
    }));
    assert!(polled.is_err());
    drop(panics);
    guard.release().await.unwrap();
    assert!(lock(&runtime).acquire().await.is_ok());
}
