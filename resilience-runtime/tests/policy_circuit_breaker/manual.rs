//! What an operator does to a breaker, and reads off it.

use std::time::Duration;

use resilience_runtime::catalog::Policy;
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use resilience_runtime::policy::switch::Switch;
use tokio::time::{Instant, advance};

use crate::support::{
    FAILURES, OPEN_FOR, PERMITS, breaker, fail, leak, open, rejected_for, succeed,
};

#[tokio::test(start_paused = true)]
async fn forced_open_it_stays_open() {
    let breaker = breaker();
    breaker.force_open();
    advance(OPEN_FOR * 100).await;
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
    assert_eq!(breaker.state(), CircuitState::Open);
    breaker.reset();
    assert!(succeed(breaker).await.is_ok());
    open(breaker).await;
}

#[tokio::test(start_paused = true)]
async fn forced_closed_it_stays_closed() {
    let breaker = breaker();
    open(breaker).await;
    breaker.force_closed();
    for _ in 0..FAILURES * 3 {
        assert!(fail(breaker).await.is_err());
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
    breaker.reset();
    open(breaker).await;
}

#[tokio::test(start_paused = true)]
async fn open_until_then_and_half_open_after_it() {
    let breaker = breaker();
    breaker.open_until(Instant::now() + OPEN_FOR * 7);
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR * 7));
    advance(OPEN_FOR * 7).await;
    for _ in 0..PERMITS {
        assert!(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    // A time that has passed.
    breaker.open_until(Instant::now() - OPEN_FOR);
    assert!(succeed(breaker).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn disabled_it_neither_rejects_nor_counts() {
    let breaker = breaker();
    open(breaker).await;
    breaker.disable();
    assert!(succeed(breaker).await.is_ok());
    for _ in 0..FAILURES * 2 {
        let _ = fail(breaker).await;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    breaker.reset();
    assert_eq!(breaker.statistics().failures_in_a_row, 0);
    open(breaker).await;
}

#[tokio::test(start_paused = true)]
async fn with_metrics_only_it_counts_and_rejects_nothing() {
    let breaker = breaker();
    breaker.metrics_only();
    open(breaker).await;
    for _ in 0..5 {
        assert!(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.switch().unwrap().would_have_acted(), 5);
    assert_eq!(breaker.state(), CircuitState::Open);
    advance(OPEN_FOR).await;
    for _ in 0..PERMITS {
        assert!(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_is_done_to_one_of_a_name_is_done_to_all() {
    static ONE: CircuitBreaker = CircuitBreaker::named("by hand");
    static OTHER: CircuitBreaker = CircuitBreaker::named("by hand");
    assert!(succeed(&ONE).await.is_ok());
    OTHER.force_open();
    assert!(rejected_for(&ONE).await.is_some());
    ONE.metrics_only();
    assert!(succeed(&OTHER).await.is_ok());
    OTHER.reset();
    assert!(succeed(&ONE).await.is_ok());
    assert_eq!(ONE.statistics(), OTHER.statistics());
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_told() {
    let breaker = breaker();
    assert_eq!(breaker.statistics().since_last_failure, None);
    let _ = fail(breaker).await;
    let _ = fail(breaker).await;
    advance(Duration::from_secs(3)).await;
    let statistics = breaker.statistics();
    assert_eq!(statistics.failures_in_a_row, 2);
    assert_eq!(statistics.since_last_failure, Some(Duration::from_secs(3)));
    assert_eq!(
        (statistics.state, statistics.openings),
        (CircuitState::Closed, 0)
    );
}

#[test]
fn the_options_are_told_as_an_attribute_has_them() {
    struct Options(CircuitBreaker);
    impl std::fmt::Display for Options {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.describe(f)
        }
    }
    let plain = CircuitBreaker::for_function("f");
    assert_eq!(
        Options(plain).to_string(),
        "failure_threshold = 5, open_for = 60s, half_open_permits = 3, success_threshold = 3"
    );
    let rich = CircuitBreaker::named("f")
        .failure_rate(0.5)
        .time_window(Duration::from_secs(30))
        .half_open_success_rate(0.5)
        .recovery(0.25);
    assert_eq!(rich.switch().map(Switch::would_have_acted), Some(0));
    assert_eq!(
        Options(rich).to_string(),
        "failure_rate = 0.5, time_window = 30s, minimum_calls = 20, open_for = 60s, \
         half_open_permits = 3, half_open_success_rate = 0.5, recovery = 0.25, \
         success_threshold = 3"
    );
    let _ = leak(CircuitBreaker::named("f"));
}
