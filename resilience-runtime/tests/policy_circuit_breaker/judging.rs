//! What an error says about the dependency.

use std::fmt;
use std::future::pending;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use resilience_runtime::classify::{Class, Classify};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Errors, Function, Judgement, errors, function};
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState, OnCancel};
use resilience_runtime::policy::timeout::Timeout;

use crate::support::leak;

#[derive(Debug)]
struct Said(Option<Class>);

impl From<Error> for Said {
    fn from(_: Error) -> Self {
        Self(None)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it said {:?}", self.0)
    }
}

impl Classify for Said {
    fn classify(&self) -> Class {
        self.0.unwrap_or(Class::Permanent)
    }
}

type Reply = Result<u32, Said>;

fn call() -> Function<Reply> {
    function::<Reply>("shop::reserve")
}

fn known() -> Errors<Reply> {
    errors().classified().described()
}

fn twice() -> &'static CircuitBreaker {
    leak(CircuitBreaker::for_function("f").failure_threshold(2))
}

async fn says(breaker: &'static CircuitBreaker, class: Class) {
    let answer = breaker.guard(async move { Err(Said(Some(class))) }, call(), known());
    assert!(answer.await.into_result().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_type_says_what_its_errors_mean() {
    let throttled = Class::Throttled { retry_after: None };
    for failure in [Class::Transient, throttled] {
        let breaker = twice();
        says(breaker, failure).await;
        // Nothing.
        says(breaker, Class::Ignored).await;
        assert_eq!(breaker.statistics().failures_in_a_row, 1);
        // A success.
        says(breaker, Class::Permanent).await;
        assert_eq!(breaker.statistics().failures_in_a_row, 0);
        says(breaker, failure).await;
        says(breaker, failure).await;
        assert_eq!(breaker.state(), CircuitState::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_predicate_is_asked_instead_of_the_type() {
    for (judgement, in_a_row) in [
        (Judgement::Failure, 2),
        (Judgement::Success, 0),
        (Judgement::Ignored, 1),
    ] {
        let breaker = leak(CircuitBreaker::for_function("f"));
        says(breaker, Class::Transient).await;
        let body = async { Err(Said(Some(Class::Transient))) };
        let guarded = breaker.guard_if(body, call(), known(), move |_: &Said| judgement);
        assert!(guarded.await.into_result().is_err());
        assert_eq!(breaker.statistics().failures_in_a_row, in_a_row);
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_judged_by_where_it_comes_from() {
    static TIMEOUT: Timeout = Timeout::after(Duration::from_secs(1));
    let breaker = twice();
    for _ in 0..2 {
        assert_eq!(breaker.state(), CircuitState::Closed);
        let body = TIMEOUT.limit(pending::<Reply>(), call());
        // The type calls it permanent, and so does the predicate.
        let guarded = breaker.guard_if(body, call(), known(), |_: &Said| Judgement::Success);
        assert!(guarded.await.into_result().is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_a_failure_where_that_was_chosen() {
    let patient = twice();
    let strict = leak(
        CircuitBreaker::for_function("f")
            .failure_threshold(2)
            .on_cancel(OnCancel::Failure),
    );
    let mut context = Context::from_waker(Waker::noop());
    for breaker in [patient, strict] {
        for _ in 0..2 {
            assert_eq!(breaker.state(), CircuitState::Closed);
            let mut guarded = Box::pin(breaker.guard(pending::<Reply>(), call(), known()));
            assert!(guarded.as_mut().poll(&mut context).is_pending());
        }
    }
    assert_eq!(patient.state(), CircuitState::Closed);
    assert_eq!(strict.state(), CircuitState::Open);
    // One that was not polled is no call.
    strict.reset();
    for _ in 0..3 {
        drop(strict.guard(pending::<Reply>(), call(), known()));
    }
    assert_eq!(strict.statistics().failures_in_a_row, 0);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_tells_the_error_that_opened_it() {
    let breaker = leak(CircuitBreaker::for_function("f").failure_threshold(1));
    says(breaker, Class::Transient).await;
    let reject = || {
        let function = function::<Result<u32, Error>>("f");
        breaker.guard(async { Ok(7) }, function, errors())
    };
    let Err(Error::CircuitOpen { cause, .. }) = reject().await.into_result() else {
        panic!("it is open");
    };
    assert_eq!(cause.text().as_deref(), Some("it said Some(Transient)"));
    // Until it opens for another reason, of which nothing can be told.
    breaker.reset();
    assert!(cause.text().is_some());
    let body = async { Err(Said(None)) };
    let guarded = breaker.guard(body, call(), errors());
    let mut guarded = pin!(guarded);
    let mut context = Context::from_waker(Waker::noop());
    assert!(guarded.as_mut().poll(&mut context).is_ready());
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(cause.text(), None);
}
