//! A store that fails.

use std::task::Poll;
use std::time::Duration;

use resilience_runtime::error::{EncodeError, Error};
use resilience_runtime::invocation::fencing_token;
use tokio::time::{Instant, sleep};

use crate::store::Asked;
use crate::{LOCKED, call, is_held, lock, one};

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_asked_refuses_the_body() {
    let (store, runtime) = one().await;
    store.trouble(|it| it.refuse = 1);
    let body = std::future::poll_fn(|_| -> Poll<Result<u32, Error>> { panic!("it must not run") });
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()));
    let error = held.await.into_result().unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
    // It certainly has nothing of it.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        store.asked(),
        Asked {
            acquire: 1,
            renew: 0,
            release: 0
        }
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_knows_the_lock_is_given_back() {
    let (store, runtime) = one().await;
    store.trouble(|it| it.doubt = 1);
    let error = lock(&runtime).acquire().await.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
    sleep(Duration::from_millis(10)).await;
    assert_eq!(
        store.asked(),
        Asked {
            acquire: 1,
            renew: 0,
            release: 1
        }
    );
    assert!(!is_held(&runtime).await);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_next_question_fails_leaves_the_line() {
    let (store, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let fails = async {
        sleep(Duration::from_millis(500)).await;
        store.trouble(|it| it.refuse = 1);
    };
    let (waited, ()) = tokio::join!(lock(&runtime).acquire(), fails);
    assert!(matches!(waited, Err(Error::Store { .. })));
    guard.release().await.unwrap();
    sleep(Duration::from_millis(10)).await;
    assert!(!is_held(&runtime).await);
}

#[tokio::test(start_paused = true)]
async fn the_body_runs_without_the_lock_where_the_author_says_so() {
    let (store, runtime) = one().await;
    let locked = LOCKED.when_unavailable_run();
    let body = || async { Ok::<_, Error>(u32::from(fencing_token().is_some())) };
    store.trouble(|it| it.refuse = 1);
    let held = locked.hold(locked.key(&7), body(), call());
    assert_eq!(runtime.scope(held).await.into_result().unwrap(), 0);
    // With the store it runs under the lock, and is refused as always.
    let held = locked.hold(locked.key(&7), body(), call());
    assert_eq!(runtime.scope(held).await.into_result().unwrap(), 1);
    let _guard = lock(&runtime).acquire().await.unwrap();
    let held = locked.hold(locked.key(&7), body(), call());
    let error = runtime.scope(held).await.into_result().unwrap_err();
    assert!(matches!(error, Error::LockBusy { .. }), "{error}");
    // No store at all is a mistake, and no outage.
    let error = locked
        .hold(locked.key(&7), body(), call())
        .await
        .into_result();
    assert!(matches!(error, Err(Error::NoRuntime { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_is_tried_again_and_does_not_fail_the_call() {
    let (store, runtime) = one().await;
    store.trouble(|it| it.no_release = 3);
    let held = LOCKED.hold(LOCKED.key(&7), async { Ok::<_, Error>(7) }, call());
    assert_eq!(runtime.scope(held).await.into_result().unwrap(), 7);
    let began = Instant::now();
    let guard = lock(&runtime).acquire().await.unwrap();
    // 10 and 20 ms after two more that failed.
    let took = began.elapsed();
    assert!(took < Duration::from_millis(45), "{took:?}");
    assert_eq!(store.asked().release, 4);
    store.trouble(|it| it.no_release = 1);
    let error = guard.release().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Store {
                function: "documents",
                ..
            }
        ),
        "{error}"
    );
    sleep(Duration::from_millis(10)).await;
    assert!(!is_held(&runtime).await);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_never_works_ends_with_the_lease() {
    let (store, runtime) = one().await;
    store.trouble(|it| it.no_release = u32::MAX);
    drop(lock(&runtime).acquire().await.unwrap());
    sleep(Duration::from_secs(40)).await;
    let tried = store.asked().release;
    assert!((30..40).contains(&tried), "{tried}");
    sleep(Duration::from_secs(600)).await;
    assert_eq!(store.asked().release, tried);
    assert!(!is_held(&runtime).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_serialised_is_an_error_of_the_call() {
    let (store, runtime) = one().await;
    let body = std::future::poll_fn(|_| -> Poll<Result<u32, Error>> { panic!("it must not run") });
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&f64::NAN), body, call()));
    let error = held.await.into_result().unwrap_err();
    let Error::Encode { what, source, .. } = &error else {
        panic!("{error}")
    };
    let _: &EncodeError = source;
    assert_eq!(what, "the key");
    assert_eq!(store.asked(), Asked::default());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_wait_for_replicas_says_so() {
    let (store, runtime) = one().await;
    let refused = lock(&runtime).replicas(1).acquire().await.unwrap_err();
    assert!(matches!(refused, Error::Store { .. }), "{refused:?}");
    assert!(
        refused.to_string().contains("take `replicas` out"),
        "{refused}"
    );
    // Nothing was asked, and nothing is held.
    drop(lock(&runtime).acquire().await.unwrap());
    drop(store);
}
