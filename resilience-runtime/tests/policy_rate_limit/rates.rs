//! Exact counts, on paused time.

use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience_runtime::catalog::Policy;
use resilience_runtime::error::{Effect, Error};
use resilience_runtime::policy::rate_limit::RateLimit;
use tokio::time::advance;

use crate::{SECOND, admit, call, leak, limit};

#[tokio::test(start_paused = true)]
async fn a_burst_begins_at_once_and_the_rest_at_the_rate() {
    let limit = leak(limit(10, 3));
    for expected in [3, 1, 1, 1] {
        let mut admitted = 0;
        while admit(limit).await.is_ok() {
            admitted += 1;
        }
        assert_eq!(admitted, expected);
        advance(SECOND / 10).await;
    }
    // A time without calls gives back the burst, and not more.
    advance(SECOND * 60).await;
    let mut admitted = 0;
    while admit(limit).await.is_ok() {
        admitted += 1;
    }
    assert_eq!(admitted, 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_burst_it_is_as_large_as_the_rate() {
    let limit = leak(RateLimit::for_function("f").rate(5, SECOND * 60));
    for call in 0..500 {
        assert_eq!(admit(limit).await.is_ok(), call < 5);
    }
    advance(SECOND * 12).await;
    assert!(admit(limit).await.is_ok() && admit(limit).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_says_when_the_call_would_be_admitted() {
    let limit = leak(limit(10, 1));
    assert!(admit(limit).await.is_ok());
    advance(Duration::from_millis(30)).await;
    let error = admit(limit).await.unwrap_err();
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert_eq!(error.retry_after(), Some(Duration::from_millis(70)));
    assert!(matches!(
        error,
        Error::RateLimited {
            limit: "shop::charge",
            ..
        }
    ));
    advance(Duration::from_millis(69)).await;
    assert!(admit(limit).await.is_err());
    advance(Duration::from_millis(1)).await;
    assert!(admit(limit).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_does_not_divide_its_time_is_not_exceeded() {
    let limit = leak(limit(3, 1));
    assert!(admit(limit).await.is_ok());
    advance(Duration::from_nanos(333_333_333)).await;
    assert!(admit(limit).await.is_err());
    advance(Duration::from_nanos(1)).await;
    assert!(admit(limit).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_is_lazy_and_harmless_after_its_end() {
    let limit = leak(limit(1, 1));
    let unpolled = limit.admit(async { Ok(1) }, call());
    drop(unpolled);
    let mut context = Context::from_waker(Waker::noop());
    let mut admitted = pin!(limit.admit(async { Ok(7) }, call()));
    assert!(admitted.as_mut().poll(&mut context).is_ready());
    assert!(admitted.as_mut().poll(&mut context).is_pending());
    let mut rejected = pin!(limit.admit(async { Ok(7) }, call()));
    let Poll::Ready(answer) = rejected.as_mut().poll(&mut context) else {
        panic!("it waits");
    };
    assert!(answer.into_result().is_err());
    assert!(rejected.as_mut().poll(&mut context).is_pending());
}

#[test]
fn what_it_admits_at_once_needs_no_runtime() {
    let limit = leak(limit(1, 1).max_wait(SECOND));
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(admit(limit)).poll(&mut context).is_ready());
}

#[test]
fn the_catalog_knows_what_it_is_configured_with() {
    struct Described<P>(P);
    impl<P: Policy> std::fmt::Display for Described<P> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.describe(f)
        }
    }
    assert_eq!(limit(1, 1).worst_case(Some(SECOND)), Some(SECOND));
    let waits = || limit(10, 3).max_wait(SECOND);
    assert_eq!(waits().worst_case(Some(SECOND)), Some(SECOND * 2));
    assert_eq!(waits().worst_case(None), None);
    let text = "rate = 10, per = 1s, burst = 3, max_wait = 1s";
    assert_eq!(Described(waits()).to_string(), text);
    let keyed = Described(waits().per_key(5)).to_string();
    assert_eq!(keyed, format!("{text}, max_keys = 5"));
    assert_eq!(RateLimit::named("api").name(), Some("api"));
    assert_eq!(waits().name(), None);
}

#[test]
fn what_makes_no_sense_panics_with_a_sentence() {
    let sentence = |make: fn() -> RateLimit| {
        let panic = catch_unwind(make).unwrap_err();
        panic.downcast_ref::<&str>().unwrap().to_string()
    };
    assert!(sentence(|| limit(0, 1)).contains("`rate`"));
    assert!(sentence(|| limit(1, 0)).contains("`burst`"));
    assert!(
        sentence(|| RateLimit::named("f").rate(1, Duration::ZERO)).contains("longer than zero")
    );
    assert!(sentence(|| RateLimit::named("f").rate(1, Duration::MAX)).contains("100 years"));
    assert!(
        catch_unwind(|| limit(1, 1).per_key(0))
            .is_err_and(|panic| panic.downcast_ref::<&str>().unwrap().contains("`max_keys`"))
    );
}
