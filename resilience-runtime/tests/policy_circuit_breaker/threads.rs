//! Many threads at once: what is counted is counted once, and permits are never exceeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use tokio::sync::Barrier;

use crate::support::{Failure, fail, leak, run, succeed};

const THREADS: u32 = 4;

fn in_threads(work: impl Fn(u32) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_callers_exactly_the_permitted_ones_get_in() {
    for permits in [1, 3, 50] {
        let breaker = leak(
            CircuitBreaker::for_function("f")
                .failure_threshold(1)
                .half_open_permits(permits)
                .success_threshold(permits),
        );
        breaker.open_until(tokio::time::Instant::now());
        let entered = Arc::new(AtomicU32::new(0));
        let (start, end) = (Arc::new(Barrier::new(1_000)), Arc::new(Barrier::new(1_001)));
        for _ in 0..1_000 {
            let (entered, start, end) = (entered.clone(), start.clone(), end.clone());
            tokio::spawn(async move {
                start.wait().await;
                let body = async {
                    entered.fetch_add(1, Ordering::Relaxed);
                    end.wait().await;
                    Ok(7)
                };
                if run(breaker, body).await.is_err() {
                    end.wait().await;
                }
            });
        }
        end.wait().await;
        assert_eq!(entered.load(Ordering::Relaxed), permits);
    }
}

#[test]
fn no_outcome_is_lost() {
    let windows: [fn(CircuitBreaker) -> CircuitBreaker; 2] = [
        |breaker| breaker.count_window(1_000_000),
        |breaker| breaker.time_window(Duration::from_secs(3_600)),
    ];
    for window in windows {
        let breaker = CircuitBreaker::for_function("f")
            .failure_rate(0.9)
            .minimum_calls(5);
        let breaker = leak(window(breaker));
        in_threads(|thread| {
            block_on(async {
                for call in 0..20_000 {
                    if call % 50 == thread {
                        let _ = fail(breaker).await;
                    } else {
                        let _ = succeed(breaker).await;
                    }
                }
            });
        });
        let statistics = breaker.statistics();
        assert_eq!(statistics.calls, THREADS * 20_000);
        assert_eq!(statistics.failures, THREADS * 400);
    }
}

/// Opening, closing, late outcomes, drops: the permits hold throughout, and at the end it can be
/// closed.
#[test]
fn in_the_turmoil_the_permits_hold() {
    let breaker = leak(
        CircuitBreaker::for_function("f")
            .failure_rate(0.5)
            .count_window(20)
            .failure_threshold(4)
            .open_for(Duration::from_millis(1))
            .half_open_permits(2)
            .success_threshold(2)
            .recovery(0.5),
    );
    in_threads(|thread| {
        block_on(async {
            for call in 0..20_000_u32 {
                let bad = (call / 500 + thread) % 3 == 0;
                let body = async {
                    if call % 7 == 0 {
                        tokio::task::yield_now().await;
                    }
                    if bad { Err(Failure::Body) } else { Ok(7) }
                };
                if call % 11 == 0 {
                    // Dropped at its first await, if there is one.
                    let mut guarded = Box::pin(run(breaker, body));
                    let _ = std::future::poll_fn(|context| {
                        std::task::Poll::Ready(guarded.as_mut().poll(context).is_ready())
                    })
                    .await;
                } else {
                    let _ = run(breaker, body).await;
                }
                if breaker.state() == CircuitState::Open {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        });
    });
    assert!(breaker.statistics().openings > 1);
    // Every permit has come back: it closes, if only calls succeed from here on.
    let closes = async {
        for _ in 0..1_000 {
            std::thread::sleep(Duration::from_millis(1));
            let _ = succeed(breaker).await;
            if breaker.state() == CircuitState::Closed {
                return true;
            }
        }
        false
    };
    assert!(block_on(closes));
}
