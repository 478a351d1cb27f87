//! Switched off, and only counting.

use tokio::time::Instant;

use super::*;
use crate::error::Error;
use crate::outcome::function;
use crate::policy::switch::PolicyMode;

const SECOND: Duration = Duration::from_secs(1);

async fn admit(limit: &'static RateLimit) -> bool {
    let call = function::<Result<u32, Error>>("f");
    let answer = limit.admit(async { Ok(7) }, call).await;
    answer.into_result().is_ok()
}

#[tokio::test(start_paused = true)]
async fn one_that_only_counts_admits_all_and_counts_those_it_would_reject() {
    static LIMIT: RateLimit = RateLimit::for_function("f").rate(3, SECOND);
    LIMIT.switch.set(PolicyMode::Shadow);
    for _ in 0..100 {
        assert!(admit(&LIMIT).await);
    }
    assert_eq!(LIMIT.switch.would_have_acted(), 97);
    // The bucket is empty.
    LIMIT.switch.set(PolicyMode::Enforced);
    assert!(!admit(&LIMIT).await);
}

#[tokio::test(start_paused = true)]
async fn one_that_only_counts_does_not_count_those_it_would_let_wait() {
    static LIMIT: RateLimit = RateLimit::for_function("f")
        .rate(1, SECOND)
        .max_wait(SECOND);
    LIMIT.switch.set(PolicyMode::Shadow);
    let start = Instant::now();
    for _ in 0..5 {
        assert!(admit(&LIMIT).await);
    }
    assert_eq!(LIMIT.switch.would_have_acted(), 0);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_off_takes_nothing() {
    static LIMIT: RateLimit = RateLimit::for_function("f").rate(1, SECOND);
    LIMIT.switch.set(PolicyMode::Disabled);
    for _ in 0..100 {
        assert!(admit(&LIMIT).await);
    }
    assert_eq!(LIMIT.switch.would_have_acted(), 0);
    LIMIT.switch.set(PolicyMode::Enforced);
    assert!(admit(&LIMIT).await && !admit(&LIMIT).await);
}
