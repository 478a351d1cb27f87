//! The rules that take a rate, at exact counts.

use std::time::Duration;

use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use tokio::time::{advance, sleep};

use crate::support::{Failure, Reply, fail, leak, run, succeed};

fn new() -> CircuitBreaker {
    CircuitBreaker::for_function("shop::reserve")
}

async fn slowly(breaker: &'static CircuitBreaker, millis: u64, reply: Reply) {
    let body = async {
        sleep(Duration::from_millis(millis)).await;
        reply
    };
    let _ = run(breaker, body).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_a_window_of_calls_opens_it_when_the_window_is_full() {
    let breaker = leak(new().failure_rate(0.3).count_window(10));
    for _ in 0..9 {
        assert!(fail(breaker).await.is_err());
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
    assert_eq!(breaker.statistics().calls, 9);
    // A success completes the window.
    assert!(succeed(breaker).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_calls_slides_call_by_call() {
    for size in [10, 65, 100, 1_000] {
        let breaker = leak(new().failure_rate(0.2).count_window(size));
        let limit = size / 5;
        // Never a fifth of the last so many: each of them leaves before the next comes.
        for _ in 0..3 {
            for _ in 0..limit - 1 {
                let _ = fail(breaker).await;
            }
            for _ in 0..size - limit + 1 {
                assert!(succeed(breaker).await.is_ok());
            }
            assert_eq!(breaker.statistics().failures, limit - 1);
        }
        // The first of these push out the failures before them, the last one a success.
        for _ in 0..limit {
            assert_eq!(breaker.state(), CircuitState::Closed);
            let _ = fail(breaker).await;
        }
        assert_eq!(breaker.state(), CircuitState::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn fewer_calls_than_the_minimum_open_nothing() {
    let breaker = leak(new().failure_rate(0.5).count_window(100).minimum_calls(6));
    for _ in 0..5 {
        let _ = fail(breaker).await;
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    let _ = fail(breaker).await;
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_forgets_what_is_too_old() {
    let second = Duration::from_secs(1);
    let breaker = leak(
        new()
            .failure_rate(0.5)
            .time_window(second * 32)
            .minimum_calls(4),
    );
    for _ in 0..3 {
        let _ = fail(breaker).await;
    }
    advance(second * 33).await;
    assert_eq!(breaker.statistics().calls, 0);
    for _ in 0..3 {
        assert!(succeed(breaker).await.is_ok());
    }
    advance(second * 10).await;
    let _ = fail(breaker).await;
    let _ = fail(breaker).await;
    let statistics = breaker.statistics();
    assert_eq!((statistics.calls, statistics.failures), (5, 2));
    // The three successes leave, and two of the next four are failures.
    advance(second * 23).await;
    assert_eq!(breaker.statistics().calls, 2);
    assert!(succeed(breaker).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert!(succeed(breaker).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn slow_successes_open_it() {
    let breaker = leak(
        new()
            .slow_call_duration(Duration::from_millis(100))
            .slow_call_rate(0.5)
            .count_window(4),
    );
    slowly(breaker, 100, Ok(7)).await;
    slowly(breaker, 99, Ok(7)).await;
    slowly(breaker, 99, Err(Failure::Body)).await;
    let statistics = breaker.statistics();
    assert_eq!((statistics.slow, statistics.failures), (1, 1));
    slowly(breaker, 200, Ok(7)).await;
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_slow_failure_is_both() {
    let breaker = leak(
        new()
            .slow_call_duration(Duration::from_millis(100))
            .failure_rate(1.0)
            .count_window(4),
    );
    slowly(breaker, 500, Err(Failure::Body)).await;
    let statistics = breaker.statistics();
    assert_eq!((statistics.slow, statistics.failures), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_before_the_window_is_full() {
    let breaker = leak(
        new()
            .failure_rate(0.9)
            .count_window(100)
            .failure_threshold(3),
    );
    for _ in 0..50 {
        let _ = fail(breaker).await;
        let _ = fail(breaker).await;
        assert!(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    for _ in 0..3 {
        assert_eq!(breaker.state(), CircuitState::Closed);
        let _ = fail(breaker).await;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// When old calls leave the window, what is left may be too much. The next call that ends opens it
/// then, a success like any other, whether somebody has looked at the breaker in between or not.
#[tokio::test(start_paused = true)]
async fn a_success_opens_it_when_the_calls_before_have_left_too_much_behind() {
    let second = Duration::from_secs(1);
    let timed = || new().time_window(second * 32).minimum_calls(3);
    let by_slow_calls = || {
        timed()
            .slow_call_duration(Duration::from_millis(100))
            .slow_call_rate(0.5)
    };
    let rules: [(CircuitBreaker, bool); 4] = [
        (by_slow_calls(), true),
        (by_slow_calls(), false),
        (timed().failure_rate(0.5), true),
        (timed().failure_rate(0.5), false),
    ];
    for (breaker, looks) in rules {
        let breaker = leak(breaker);
        for _ in 0..20 {
            assert!(succeed(breaker).await.is_ok());
        }
        advance(second * 10).await;
        for _ in 0..2 {
            // Slow for the one, a failure for the other.
            slowly(breaker, 100, Err(Failure::Body)).await;
        }
        assert!(succeed(breaker).await.is_ok());
        assert_eq!(breaker.state(), CircuitState::Closed);
        // The twenty leave: two of three are left.
        advance(second * 23).await;
        if looks {
            assert_eq!(breaker.statistics().calls, 3);
            assert_eq!(breaker.state(), CircuitState::Closed);
        }
        assert!(succeed(breaker).await.is_ok());
        assert_eq!(breaker.state(), CircuitState::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_after_a_long_silence_is_of_its_own_time() {
    let part = Duration::from_millis(1);
    for parts in [1 << 20, 1 << 24, 1 << 31] {
        let breaker = leak(new().failure_rate(0.5).time_window(part * 32));
        assert!(succeed(breaker).await.is_ok());
        advance(part * parts).await;
        assert!(succeed(breaker).await.is_ok());
        assert_eq!(breaker.statistics().calls, 1);
    }
}
