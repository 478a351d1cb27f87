//! A breaker per test, and calls through it.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Function, errors, function};
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use tokio::time::advance;

pub(crate) const FAILURES: u32 = 3;
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(10);
pub(crate) const PERMITS: u32 = 3;

/// What the calls of these tests fail with.
#[derive(Debug)]
pub(crate) enum Failure {
    Body,
    Policy(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

pub(crate) type Reply = Result<u32, Failure>;

pub(crate) fn call() -> Function<Reply> {
    function::<Reply>("shop::reserve")
}

/// A breaker that no other test has.
pub(crate) fn breaker() -> &'static CircuitBreaker {
    leak(
        CircuitBreaker::for_function("shop::reserve")
            .failure_threshold(FAILURES)
            .open_for(OPEN_FOR)
            .half_open_permits(PERMITS)
            .success_threshold(PERMITS),
    )
}

pub(crate) fn leak(breaker: CircuitBreaker) -> &'static CircuitBreaker {
    Box::leak(Box::new(breaker))
}

pub(crate) async fn run(
    breaker: &'static CircuitBreaker,
    body: impl Future<Output = Reply>,
) -> Reply {
    breaker.guard(body, call(), errors()).await.into_result()
}

pub(crate) async fn succeed(breaker: &'static CircuitBreaker) -> Reply {
    run(breaker, async { Ok(7) }).await
}

pub(crate) async fn fail(breaker: &'static CircuitBreaker) -> Reply {
    run(breaker, async { Err(Failure::Body) }).await
}

/// When the breaker says to come back, if it rejects a call.
pub(crate) async fn rejected_for(breaker: &'static CircuitBreaker) -> Option<Duration> {
    match succeed(breaker).await {
        Err(Failure::Policy(Error::CircuitOpen { retry_after, .. })) => Some(retry_after),
        _ => None,
    }
}

pub(crate) async fn open(breaker: &'static CircuitBreaker) {
    for _ in 0..FAILURES {
        assert_eq!(breaker.state(), CircuitState::Closed);
        assert!(matches!(fail(breaker).await, Err(Failure::Body)));
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

/// Open, and its time is over: the next call makes it half-open.
pub(crate) async fn ready_to_probe() -> &'static CircuitBreaker {
    let breaker = breaker();
    open(breaker).await;
    advance(OPEN_FOR).await;
    breaker
}
