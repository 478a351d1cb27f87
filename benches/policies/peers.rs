//! The peers' rows: the same call, under the nearest configuration that each library has.

use std::num::NonZeroU32;

use backon::{ExponentialBuilder, Retryable as _};
use failsafe::futures::CircuitBreaker as _;
use governor::clock::MonotonicClock;
use governor::{Quota, RateLimiter};
use recloser::{AsyncRecloser, Recloser};
use resilience_benches::{Bench, Side};
use tokio::sync::Semaphore;
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_circuitbreaker::{
    CircuitBreakerError, CircuitBreakerLayer, DefaultClassifier, SlidingWindowType,
};
use tower_resilience_retry::RetryLayer;
use tower_resilience_timelimiter::{TimeLimiterError, TimeLimiterLayer};

use crate::{
    ATTEMPTS, FAILURES, FEW, FIRST_PAUSE, Failure, LIMIT, MANY, OPEN_FOR, PLACES, RATE, argument,
    broken, operation,
};

pub(crate) fn circuit_breakers(bench: &mut Bench) {
    let breaker = recloser();
    bench.row(Side::Peer, "recloser 1.4", async move || {
        breaker.call(operation(argument())).await
    });

    let breaker = failsafe();
    bench.row(Side::Peer, "failsafe 1.3", async move || {
        breaker.call(operation(argument())).await
    });

    let mut service = ServiceBuilder::new()
        .layer(tower_resilience_breaker())
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower-resilience 0.14", async move || {
        call(&mut service).await
    });
}

pub(crate) fn count_windows(bench: &mut Bench) {
    let breaker = recloser();
    bench.row(Side::Peer, "recloser 1.4, all well", async move || {
        breaker.call(operation(argument())).await
    });
}

pub(crate) fn time_windows(bench: &mut Bench) {
    let mut service = ServiceBuilder::new()
        .layer(tower_resilience_time_window())
        .service(service_fn(operation));
    bench.block_on(async {
        for _ in 0..FEW {
            let _ = call(&mut service).await;
        }
    });
    // It remembers every call, and is slower with each: the row is what its first calls cost.
    bench.row(
        Side::Partial,
        "tower-resilience 0.14, from 100 calls",
        async move || call(&mut service).await,
    );
}

pub(crate) fn bulkheads(bench: &mut Bench) {
    let places = Semaphore::new(PLACES);
    bench.row(Side::Peer, "tokio Semaphore, by hand", async move || {
        let _place = places.acquire().await.map_err(|_| Failure::Refused)?;
        operation(argument()).await
    });

    let mut service = ServiceBuilder::new()
        .concurrency_limit(PLACES)
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower 0.5", async move || {
        call(&mut service).await
    });
}

pub(crate) fn rate_limits(bench: &mut Bench) {
    let quota = Quota::per_second(NonZeroU32::new(RATE).unwrap_or(NonZeroU32::MAX));
    let limit = RateLimiter::direct_with_clock(quota, MonotonicClock);
    bench.row(
        Side::Peer,
        "governor 0.10, the system's clock",
        async move || {
            limit.check().map_err(|_| Failure::Refused)?;
            operation(argument()).await
        },
    );
}

#[expect(
    clippy::expect_used,
    reason = "the configuration is a constant, and valid"
)]
pub(crate) fn stacks_of_four(bench: &mut Bench) {
    let (breaker, places) = (recloser(), Semaphore::new(PLACES));
    bench.row(
        Side::Peer,
        "by hand: backon, tokio, recloser, tokio",
        async move || {
            let number = argument();
            let attempt = || async {
                let _place = places.acquire().await.map_err(|_| Failure::Refused)?;
                let limited = async move {
                    match tokio::time::timeout(LIMIT, operation(number)).await {
                        Ok(result) => result,
                        Err(_) => Err(Failure::Refused),
                    }
                };
                breaker.call(limited).await.map_err(|error| match error {
                    recloser::Error::Inner(failure) => failure,
                    recloser::Error::Rejected => Failure::Refused,
                })
            };
            attempt.retry(backon()).await
        },
    );

    let mut service = ServiceBuilder::new()
        .layer(
            BulkheadLayer::builder()
                .max_concurrent_calls(PLACES)
                .build()
                .expect("a valid configuration"),
        )
        .layer(tower_resilience_retry::<
            CircuitBreakerError<TimeLimiterError<Failure>>,
        >())
        .layer(tower_resilience_breaker())
        .layer(TimeLimiterLayer::builder().timeout_duration(LIMIT).build())
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower-resilience 0.14", async move || {
        call(&mut service).await
    });
}

pub(crate) fn open_breakers(bench: &mut Bench) {
    let breaker = recloser();
    bench.block_on(async {
        for _ in 0..MANY {
            let _ = breaker.call(broken(argument())).await;
        }
        let last = breaker.call(broken(argument())).await;
        assert!(matches!(last, Err(recloser::Error::Rejected)));
    });
    bench.row(Side::Peer, "recloser 1.4", async move || {
        breaker.call(broken(argument())).await
    });

    let breaker = failsafe();
    bench.block_on(async {
        for _ in 0..MANY {
            let _ = breaker.call(broken(argument())).await;
        }
        let last = breaker.call(broken(argument())).await;
        assert!(matches!(last, Err(failsafe::Error::Rejected)));
    });
    bench.row(Side::Peer, "failsafe 1.3", async move || {
        breaker.call(broken(argument())).await
    });

    let mut service = ServiceBuilder::new()
        .layer(tower_resilience_breaker())
        .service(service_fn(broken));
    bench.block_on(async {
        for _ in 0..MANY {
            let _ = call(&mut service).await;
        }
        let last = call(&mut service).await;
        assert!(matches!(last, Err(CircuitBreakerError::OpenCircuit)));
    });
    bench.row(Side::Peer, "tower-resilience 0.14", async move || {
        call(&mut service).await
    });
}

pub(crate) fn retries(bench: &mut Bench) {
    bench.row(Side::Peer, "backon 1.6", async || {
        let number = argument();
        (|| operation(number)).retry(backon()).await
    });

    let mut service = ServiceBuilder::new()
        .retry(Attempts(ATTEMPTS))
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower 0.5", async move || {
        call(&mut service).await
    });

    let mut service = ServiceBuilder::new()
        .layer(tower_resilience_retry::<Failure>())
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower-resilience 0.14", async move || {
        call(&mut service).await
    });
}

pub(crate) fn timeouts(bench: &mut Bench) {
    bench.row(Side::Peer, "tokio::time::timeout", async || {
        tokio::time::timeout(LIMIT, operation(argument())).await
    });

    let mut service = ServiceBuilder::new()
        .timeout(LIMIT)
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower 0.5", async move || {
        call(&mut service).await
    });

    let mut service = ServiceBuilder::new()
        .layer(TimeLimiterLayer::builder().timeout_duration(LIMIT).build())
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower-resilience 0.14", async move || {
        call(&mut service).await
    });
}

pub(crate) fn stacks(bench: &mut Bench) {
    let breaker = recloser();
    bench.row(
        Side::Peer,
        "by hand: backon, recloser, tokio",
        async move || {
            let number = argument();
            let attempt = || {
                breaker.call(async move {
                    match tokio::time::timeout(LIMIT, operation(number)).await {
                        Ok(result) => result,
                        Err(_) => Err(Failure::Refused),
                    }
                })
            };
            attempt.retry(backon()).await
        },
    );

    let mut service = ServiceBuilder::new()
        .retry(Attempts(ATTEMPTS))
        .timeout(LIMIT)
        .service(service_fn(operation));
    bench.row(
        Side::Partial,
        "tower 0.5, which has no breaker",
        async move || call(&mut service).await,
    );

    let mut service = ServiceBuilder::new()
        .layer(tower_resilience_retry::<
            CircuitBreakerError<TimeLimiterError<Failure>>,
        >())
        .layer(tower_resilience_breaker())
        .layer(TimeLimiterLayer::builder().timeout_duration(LIMIT).build())
        .service(service_fn(operation));
    bench.row(Side::Peer, "tower-resilience 0.14", async move || {
        call(&mut service).await
    });
}

/// One call of a service, as its contract wants it: when it is ready.
async fn call<S: Service<u64>>(service: &mut S) -> Result<S::Response, S::Error> {
    service.ready().await?.call(argument()).await
}

fn recloser() -> AsyncRecloser {
    AsyncRecloser::from(
        Recloser::custom()
            .error_rate(0.5)
            .closed_len(100)
            .half_open_len(10)
            .open_wait(OPEN_FOR)
            .build(),
    )
}

fn failsafe() -> impl failsafe::futures::CircuitBreaker {
    failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::consecutive_failures(
            FAILURES,
            failsafe::backoff::constant(OPEN_FOR),
        ))
        .build()
}

fn backon() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_times(ATTEMPTS - 1)
}

#[expect(
    clippy::expect_used,
    reason = "the configuration is a constant, and valid"
)]
fn tower_resilience_breaker() -> CircuitBreakerLayer<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .wait_duration_in_open(OPEN_FOR)
        .build()
        .expect("a valid configuration")
}

#[expect(
    clippy::expect_used,
    reason = "the configuration is a constant, and valid"
)]
fn tower_resilience_time_window() -> CircuitBreakerLayer<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(std::time::Duration::from_secs(300))
        .wait_duration_in_open(OPEN_FOR)
        .build()
        .expect("a valid configuration")
}

fn tower_resilience_retry<E: 'static>() -> RetryLayer<u64, u64, E> {
    RetryLayer::builder()
        .max_attempts(ATTEMPTS)
        .exponential_backoff(FIRST_PAUSE)
        .build()
}

/// tower leaves the policy to its user: attempts, with a pause between them.
#[derive(Debug, Clone)]
struct Attempts(usize);

impl<E> tower::retry::Policy<u64, u64, E> for Attempts {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, _: &mut u64, result: &mut Result<u64, E>) -> Option<Self::Future> {
        if result.is_ok() || self.0 <= 1 {
            return None;
        }
        self.0 -= 1;
        Some(tokio::time::sleep(FIRST_PAUSE))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}
