//! The deadline as a value.

use std::error::Error as _;
use std::time::Duration;

use resilience::{Error, deadline, rate_limit, retry, timeout, with_deadline};
use tokio::time::{Instant, sleep};

use super::{Count, Failure};

#[timeout(10s)]
async fn outer() -> Result<Duration, Failure> {
    sleep(Duration::from_secs(3)).await;
    inner().await
}

#[timeout(60s)]
async fn inner() -> Result<Duration, Failure> {
    Ok(deadline().unwrap() - Instant::now())
}

#[tokio::test(start_paused = true)]
async fn the_function_inside_sees_the_earlier_one() {
    assert_eq!(outer().await.unwrap(), Duration::from_secs(7));
    assert_eq!(inner().await.unwrap(), Duration::from_secs(60));
    assert!(deadline().is_none());
}

#[retry(max_attempts = 5, backoff = fixed(2s), jitter = none)]
async fn patient(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[timeout(5s)]
async fn in_a_hurry(calls: &Count) -> Result<(), Failure> {
    patient(calls).await
}

#[tokio::test(start_paused = true)]
async fn a_retry_refuses_to_outlive_it_and_says_so() {
    let (calls, begun) = (Count::new(), Instant::now());
    let Err(Failure::Policy(error)) = in_a_hurry(&calls).await else {
        panic!("it was refused");
    };
    // At 0, 2 and 4 s; the pause after that would end at 6.
    assert_eq!(calls.get(), 3);
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
    assert!(
        matches!(&error, Error::DeadlineTooClose { needed, left, .. }
            if *needed == Duration::from_secs(2) && *left == Duration::from_secs(1)),
        "{error:?}"
    );
    assert_eq!(error.source().unwrap().to_string(), "busy");
}

#[retry(max_attempts = 9, backoff = fixed(2s), jitter = none, deadline = 5s, allow(attempts_exceed_deadline))]
async fn with_its_own(calls: &Count) -> Result<(), Failure> {
    calls.next();
    assert!(deadline().is_some());
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn a_retry_has_a_deadline_of_its_own() {
    let calls = Count::new();
    let error = with_its_own(&calls).await.unwrap_err();
    assert_eq!(calls.get(), 3);
    assert!(matches!(
        error,
        Failure::Policy(Error::DeadlineTooClose { .. })
    ));
}

#[rate_limit(rate = 1, per = 10s, max_wait = 1h)]
async fn seldom() -> Result<(), Failure> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_refuses_to_outlive_it() {
    seldom().await.unwrap();
    let begun = Instant::now();
    let at = begun + Duration::from_secs(5);
    let error = with_deadline(at, seldom()).await.unwrap_err();
    assert!(
        matches!(
            &error,
            Failure::Policy(Error::DeadlineTooClose { source: None, .. })
        ),
        "{error:?}"
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
    seldom().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
}
