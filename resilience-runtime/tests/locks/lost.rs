//! A lease that is renewed, and one that is lost.

use std::cell::Cell;
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::invocation::{attempt, fencing_token};
use resilience_runtime::lock::Locked;
use tokio::time::{Instant, advance, sleep, sleep_until};

use crate::store::Asked;
use crate::{LEASE, LOCKED, WAIT, call, is_held, lock, one, two};

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_at_a_third_while_the_body_runs_and_not_after() {
    let [(store, runtime), (_, other)] = two().await;
    let body = async {
        sleep(Duration::from_secs(95)).await;
        assert!(is_held(&other).await);
        Ok::<_, Error>(7)
    };
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()));
    assert_eq!(held.await.into_result().unwrap(), 7);
    let expected = Asked {
        acquire: 1,
        renew: 9,
        release: 1,
    };
    assert_eq!(store.asked(), expected);
    sleep(2 * LEASE).await;
    assert_eq!(store.asked(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_lease_is_not_renewed_is_dropped_before_another_one_runs() {
    let [(store, runtime), (_, other)] = two().await;
    store.trouble(|it| it.no_renewals = true);
    let inside = Cell::new(false);
    let ended = Cell::new(None);
    struct End<'a>(&'a Cell<bool>, &'a Cell<Option<Instant>>);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.set(false);
            self.1.set(Some(Instant::now()));
        }
    }
    let asked = Instant::now();
    let body = async {
        inside.set(true);
        let _end = End(&inside, &ended);
        loop {
            sleep(Duration::from_millis(50)).await;
            let left = LEASE.saturating_sub(asked.elapsed());
            assert!(left >= LEASE / 100, "polled {left:?} before the end");
        }
        #[allow(unreachable_code)]
        Ok::<_, Error>(7)
    };
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()));
    let next = async {
        let guard = lock(&other).wait(2 * LEASE).acquire().await.unwrap();
        assert!(!inside.get(), "two inside");
        assert_ne!(ended.get(), None);
        guard
    };
    let later = async {
        sleep(Duration::from_millis(10)).await;
        next.await
    };
    let (answer, guard) = tokio::join!(held, later);
    let error = answer.into_result().unwrap_err();
    assert!(
        matches!(
            error,
            Error::LeaseLost {
                function: "shop::publish",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.effect(), Effect::MayHaveRun);
    // One hundredth and two milliseconds before the lease is over.
    let relied = ended.get().unwrap() - asked;
    let validity = LEASE - LEASE / 100 - Duration::from_millis(2);
    assert!(
        relied.abs_diff(validity) <= Duration::from_millis(2),
        "{relied:?}"
    );
    assert!(guard.is_valid());
    sleep(Duration::from_secs(1)).await;
    assert!(guard.is_valid());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_never_answered_loses_the_lock_at_its_end() {
    let (store, runtime) = one().await;
    let asked = Instant::now();
    let guard = lock(&runtime).acquire().await.unwrap();
    store.trouble(|it| it.silent_renewals = true);
    guard.lost().await;
    let validity = LEASE - LEASE / 100 - Duration::from_millis(2);
    let relied = asked.elapsed();
    assert!(
        relied.abs_diff(validity) <= Duration::from_millis(2),
        "{relied:?}"
    );
    assert!(!guard.is_valid());
    let error = guard.release().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::LeaseLost {
                function: "documents",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_does_nothing_beside_the_one_that_replaced_it() {
    let [(_, runtime), (_, other)] = two().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let polls = Cell::new(0);
    let body = async {
        loop {
            polls.set(polls.get() + 1);
            tokio::task::yield_now().await;
        }
        #[allow(unreachable_code)]
        Ok::<(), ()>(())
    };
    let mut held = Box::pin(guard.run(body));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(held.as_mut().poll(&mut context).is_pending());
    assert_eq!(polls.get(), 1);
    advance(LEASE - LEASE / 100).await;
    // Nothing was renewed, because nothing of this process ran; and the first thing that does run is the body.
    let polled = held.as_mut().poll(&mut context);
    assert!(matches!(
        polled,
        std::task::Poll::Ready(Err(Error::LeaseLost { .. }))
    ));
    assert_eq!(polls.get(), 1);
    let next = lock(&other).acquire().await.unwrap();
    assert!(next.token() > guard.token());
    assert!(matches!(
        guard.run(async {}).await,
        Err(Error::LeaseLost { .. })
    ));
    drop(held);
    // What it gives back late is not the other one's.
    drop(guard);
    sleep(Duration::from_secs(1)).await;
    assert!(next.is_valid());
    assert!(is_held(&other).await);
}

#[tokio::test(start_paused = true)]
async fn what_a_quorum_leaves_of_a_lease_is_the_most_it_is_relied_on() {
    let (store, runtime) = one().await;
    store.trouble(|it| {
        it.validity = Some(Duration::from_secs(4));
        it.no_renewals = true;
    });
    let asked = Instant::now();
    let guard = lock(&runtime).acquire().await.unwrap();
    sleep_until(asked + Duration::from_millis(3_990)).await;
    assert!(guard.is_valid());
    guard.lost().await;
    assert!(
        asked.elapsed() <= Duration::from_millis(4_002),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_comes_after_the_end_of_its_lease_runs_nothing() {
    let (store, runtime) = one().await;
    store.trouble(|it| it.late = LEASE);
    let ran = Cell::new(false);
    let body = async {
        ran.set(true);
        Ok::<_, Error>(7)
    };
    let held = runtime.scope(LOCKED.hold(LOCKED.key(&7), body, call()));
    let error = held.await.into_result().unwrap_err();
    assert!(matches!(error, Error::LockBusy { .. }), "{error}");
    assert!(!ran.get());
    store.trouble(|it| it.late = Duration::ZERO);
    sleep(Duration::from_millis(10)).await;
    assert!(!is_held(&runtime).await);
    // With time left it asks again, and is granted what it had.
    store.trouble(|it| it.late = LEASE);
    let waiting = lock(&runtime).wait(2 * LEASE).acquire();
    let healed = async {
        sleep(WAIT).await;
        store.trouble(|it| it.late = Duration::ZERO);
    };
    let (guard, ()) = tokio::join!(waiting, healed);
    assert!(guard.unwrap().is_valid());
}

#[tokio::test(start_paused = true)]
async fn the_body_knows_its_token_and_keeps_its_attempt() {
    let (_, runtime) = one().await;
    assert_eq!(fencing_token(), None);
    let guard = lock(&runtime).acquire().await.unwrap();
    let token = guard.token();
    let inner = async {
        assert_eq!((fencing_token(), attempt()), (Some(token), 1));
        let other = runtime.lock("documents", &8).acquire().await.unwrap();
        let inner = async { fencing_token() };
        assert_eq!(other.run(inner).await.unwrap(), Some(other.token()));
        assert_eq!(fencing_token(), Some(token));
    };
    guard.run(inner).await.unwrap();
    assert_eq!(fencing_token(), None);
    guard.release().await.unwrap();
    let next = lock(&runtime).acquire().await.unwrap();
    assert!(next.token() > token);
}

/// No clock reaches so far.
#[tokio::test(start_paused = true)]
async fn the_longest_lease_is_as_good_as_for_ever() {
    let (_, runtime) = one().await;
    let ever = || {
        runtime
            .lock("documents", &7)
            .lease(Duration::MAX)
            .wait(Duration::MAX)
    };
    let guard = ever().acquire().await.unwrap();
    assert!(guard.is_valid() && is_held(&runtime).await);
    guard.release().await.unwrap();
    ever().acquire().await.unwrap().release().await.unwrap();
    const EVER: Locked = Locked::named("ever")
        .lease(Duration::MAX)
        .wait(Duration::MAX);
    let held = runtime.scope(EVER.hold(EVER.whole(), async { Ok::<_, Error>(7) }, call()));
    assert_eq!(held.await.into_result().unwrap(), 7);
}
