//! Source order is nesting order: top is outermost.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{Error, circuit_breaker, retry, timeout};
use tokio::time::Instant;

use crate::local::Failure;

#[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
#[timeout(100ms)]
async fn each_attempt(calls: &AtomicU32) -> Result<(), Failure> {
    calls.fetch_add(1, Ordering::Relaxed);
    std::future::pending().await
}

#[timeout(1500ms, allow(attempts_exceed_deadline))]
#[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
async fn all_attempts(calls: &AtomicU32, hangs: bool) -> Result<(), Failure> {
    if calls.fetch_add(1, Ordering::Relaxed) == 1 && hangs {
        std::future::pending::<()>().await;
    }
    Err(Failure::Broken)
}

#[tokio::test(start_paused = true)]
async fn a_timeout_below_bounds_each_attempt_and_above_all_of_them() {
    let (calls, start) = (AtomicU32::new(0), Instant::now());
    let error = each_attempt(&calls).await.unwrap_err();
    assert!(
        matches!(error, Failure::Policy(Error::TimedOut { .. })),
        "{error:?}"
    );
    assert_eq!(calls.into_inner(), 3);
    assert_eq!(start.elapsed(), Duration::from_millis(3 * 100 + 2 * 1000));

    let (calls, start) = (AtomicU32::new(0), Instant::now());
    let error = all_attempts(&calls, true).await.unwrap_err();
    assert!(
        matches!(error, Failure::Policy(Error::TimedOut { .. })),
        "{error:?}"
    );
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(start.elapsed(), Duration::from_millis(1500));

    // A pause that would outlive the timeout is not begun.
    let (calls, start) = (AtomicU32::new(0), Instant::now());
    let error = all_attempts(&calls, false).await.unwrap_err();
    assert!(matches!(error, Failure::Broken), "{error:?}");
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[timeout(1500ms, allow(attempts_exceed_deadline))]
#[retry(max_attempts = 3, backoff = fixed(500ms), jitter = none)]
#[timeout(600ms)]
async fn both(calls: &AtomicU32, fails_first: bool) -> Result<u32, Failure> {
    let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
    if call == 1 && fails_first {
        return Err(Failure::Broken);
    }
    // Cut off once where the first attempt fails by itself.
    if call < 3 {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(call)
}

#[tokio::test(start_paused = true)]
async fn a_timeout_above_and_one_below_bound_the_call_and_each_attempt() {
    // 600 ms, a pause, and 400 ms of the second attempt: the call is over.
    let (calls, start) = (AtomicU32::new(0), Instant::now());
    let error = both(&calls, false).await.unwrap_err();
    let Failure::Policy(Error::TimedOut { after, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(after, Duration::from_millis(1500));
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(start.elapsed(), Duration::from_millis(1500));

    // No time at all, a pause, 600 ms: the second attempt is over, and no pause would be in time.
    let (calls, start) = (AtomicU32::new(0), Instant::now());
    let error = both(&calls, true).await.unwrap_err();
    let Failure::Policy(Error::TimedOut { after, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(after, Duration::from_millis(600));
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(start.elapsed(), Duration::from_millis(1100));

    let catalog = resilience::catalog();
    let function = catalog.find(concat!(module_path!(), "::both")).unwrap();
    assert_eq!(function.policies.len(), 3);
    assert_eq!(function.worst_case(), Some(Duration::from_millis(1500)));
}

#[retry(max_attempts = 4, backoff = fixed(1s), jitter = none)]
#[circuit_breaker(failure_threshold = 2, open_for = 60s, allow(retry_opens_breaker))]
async fn breaker_inside(calls: &AtomicU32) -> Result<(), Failure> {
    calls.fetch_add(1, Ordering::Relaxed);
    Err(Failure::Broken)
}

#[circuit_breaker(failure_threshold = 2, open_for = 60s)]
#[retry(max_attempts = 4, backoff = fixed(1s), jitter = none)]
async fn breaker_outside(calls: &AtomicU32) -> Result<(), Failure> {
    calls.fetch_add(1, Ordering::Relaxed);
    Err(Failure::Broken)
}

#[tokio::test(start_paused = true)]
async fn a_breaker_below_sees_attempts_and_above_sees_calls() {
    let calls = AtomicU32::new(0);
    let start = Instant::now();
    let error = breaker_inside(&calls).await.unwrap_err();
    // Two attempts open it; the third is refused, and waiting 60 s for it is not worth it.
    assert!(
        matches!(error, Failure::Policy(Error::CircuitOpen { .. })),
        "{error:?}"
    );
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(start.elapsed(), Duration::from_secs(2));

    let calls = AtomicU32::new(0);
    for _ in 0..2 {
        assert!(matches!(
            breaker_outside(&calls).await,
            Err(Failure::Broken)
        ));
    }
    let error = breaker_outside(&calls).await.unwrap_err();
    assert!(
        matches!(error, Failure::Policy(Error::CircuitOpen { .. })),
        "{error:?}"
    );
    assert_eq!(calls.into_inner(), 8);
}

#[circuit_breaker(failure_threshold = 1)]
#[timeout(10ms)]
async fn timeout_counts() -> Result<(), Failure> {
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_a_failure_for_the_breaker() {
    assert!(matches!(
        timeout_counts().await,
        Err(Failure::Policy(Error::TimedOut { .. }))
    ));
    assert!(matches!(
        timeout_counts().await,
        Err(Failure::Policy(Error::CircuitOpen { .. }))
    ));
}
