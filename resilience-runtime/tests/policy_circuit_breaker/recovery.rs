//! The ways back: rates of probes, growing times, stages, and an active probe.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState, Probe};
use tokio::time::{advance, sleep};

use crate::support::{OPEN_FOR, fail, leak, rejected_for, succeed};

fn new() -> CircuitBreaker {
    CircuitBreaker::for_function("shop::reserve")
        .failure_threshold(1)
        .open_for(OPEN_FOR)
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_the_probes_decides_when_all_have_ended() {
    for (failures, state) in [
        (1, CircuitState::Closed),
        (2, CircuitState::Closed),
        (3, CircuitState::Open),
    ] {
        let breaker = leak(new().half_open_permits(4).half_open_success_rate(0.5));
        let _ = fail(breaker).await;
        advance(OPEN_FOR).await;
        for _ in 0..failures {
            let _ = fail(breaker).await;
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
        }
        for _ in failures..4 {
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
            assert!(succeed(breaker).await.is_ok());
        }
        assert_eq!(breaker.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn every_opening_is_longer_until_it_was_closed() {
    let breaker = leak(new().growing(2.0, OPEN_FOR * 5).success_threshold(1));
    for _ in 0..2 {
        for factor in [1, 2, 4, 5, 5] {
            let _ = fail(breaker).await;
            assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR * factor));
            advance(OPEN_FOR * factor).await;
        }
        assert!(succeed(breaker).await.is_ok());
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
    assert_eq!(breaker.statistics().openings, 10);
}

#[tokio::test(start_paused = true)]
async fn a_rate_decides_about_the_probes_and_a_threshold_about_each_stage() {
    let breaker = leak(
        new()
            .recovery(0.5)
            .half_open_permits(4)
            .half_open_success_rate(0.5)
            .success_threshold(3),
    );
    let _ = fail(breaker).await;
    advance(OPEN_FOR).await;
    for _ in 0..3 {
        assert!(succeed(breaker).await.is_ok());
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
    }
    assert!(succeed(breaker).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::Recovering);
    // One stage, in which half of the calls run.
    let mut succeeded = 0;
    while breaker.state() == CircuitState::Recovering {
        succeeded += u32::from(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(succeeded, 3);
}

async fn recovering() -> &'static CircuitBreaker {
    let breaker = leak(new().success_threshold(2).recovery(0.25));
    let _ = fail(breaker).await;
    advance(OPEN_FOR).await;
    for _ in 0..2 {
        assert!(succeed(breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), CircuitState::Recovering);
    breaker
}

#[tokio::test(start_paused = true)]
async fn a_growing_share_of_the_calls_runs() {
    let breaker = recovering().await;
    let mut pattern = String::new();
    while breaker.state() == CircuitState::Recovering {
        pattern.push(if succeed(breaker).await.is_ok() {
            'x'
        } else {
            '.'
        });
    }
    // Two successes at a quarter, at a half, and at three quarters.
    assert_eq!(pattern, ["x...x", "x.x", "x.x"].concat());
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_it_recovers_opens_it_by_the_rules() {
    let breaker = recovering().await;
    let _ = fail(breaker).await;
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(rejected_for(breaker).await, Some(OPEN_FOR));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_succeeds_ends_the_waiting() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    static PROBE: Probe = Probe::every(Duration::from_secs(1), || {
        Box::pin(async { ASKED.fetch_add(1, Ordering::Relaxed) == 2 })
    });
    let breaker = leak(new().probe(&PROBE).success_threshold(1));
    let _ = fail(breaker).await;
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(breaker.state(), CircuitState::Open);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    assert!(succeed(breaker).await.is_ok());
    assert_eq!(breaker.state(), CircuitState::Closed);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(ASKED.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_probe_ends_with_the_opening_that_began_it() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Hangs;
    impl Drop for Hangs {
        fn drop(&mut self) {
            DROPPED.store(true, Ordering::Relaxed);
        }
    }
    static PROBE: Probe = Probe::every(Duration::from_secs(1), || {
        Box::pin(async {
            let _hangs = Hangs;
            std::future::pending().await
        })
    });
    let breaker = leak(new().probe(&PROBE).success_threshold(1));
    let _ = fail(breaker).await;
    sleep(OPEN_FOR).await;
    assert!(!DROPPED.load(Ordering::Relaxed));
    assert!(succeed(breaker).await.is_ok());
    sleep(Duration::from_secs(2)).await;
    assert!(DROPPED.load(Ordering::Relaxed));
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// Without a runtime the time decides alone.
#[test]
fn a_probe_needs_a_runtime() {
    use std::pin::pin;
    use std::task::{Context, Waker};
    static PROBE: Probe = Probe::every(Duration::from_secs(1), || Box::pin(async { true }));
    let breaker = leak(new().probe(&PROBE));
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(fail(breaker)).poll(&mut context).is_ready());
    assert_eq!(breaker.state(), CircuitState::Open);
}
