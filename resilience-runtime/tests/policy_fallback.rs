//! Fallbacks: which failures they answer, and what is known of the call afterwards.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Duration;

use resilience_runtime::catalog::{Policy, PolicyKind};
use resilience_runtime::classify::{Class, Classify};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{
    Answer, Errors, Outcome, Unclassified as _, Undescribed as _, Unwrapped as _, errors, function,
};
use resilience_runtime::policy::bulkhead::Bulkhead;
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use resilience_runtime::policy::fallback::Fallback;
use resilience_runtime::policy::timeout::Timeout;

static FALLBACK: Fallback = Fallback::for_function("shop::price");

/// Says nothing about its errors.
#[derive(Debug, PartialEq)]
enum Plain {
    Broke,
    Policy,
}

impl From<Error> for Plain {
    fn from(_: Error) -> Self {
        Self::Policy
    }
}

/// Says what its errors mean.
#[derive(Debug, PartialEq)]
struct Classified(Class);

impl From<Error> for Classified {
    fn from(_: Error) -> Self {
        // What a policy refused is not asked for its class.
        Self(Class::Permanent)
    }
}

impl Classify for Classified {
    fn classify(&self) -> Class {
        self.0
    }
}

fn plain() -> Errors<Result<u32, Plain>> {
    errors::<Result<u32, Plain>>()
        .classified()
        .described()
        .wrapped()
}

fn classified() -> Errors<Result<u32, Classified>> {
    errors::<Result<u32, Classified>>()
        .classified()
        .described()
        .wrapped()
}

fn is_needed<T, E>(decided: &ControlFlow<Answer<T, E>, impl Sized>) -> bool {
    decided.is_continue()
}

#[test]
fn a_success_needs_no_fallback() {
    let decided = FALLBACK.needed(Ok(7), plain());
    let ControlFlow::Break(answer) = decided else {
        panic!("it needs none");
    };
    assert_eq!(answer.into_result(), Ok(7));
    let decided = FALLBACK.needed_if(Ok(7), plain(), |_| unreachable!("there is no error"));
    assert!(!is_needed(&decided));
}

#[test]
fn without_a_word_from_the_type_every_error_needs_one() {
    let ControlFlow::Continue((error, failed)) = FALLBACK.needed(Err(Plain::Broke), plain()) else {
        panic!("it is handed on");
    };
    assert_eq!(error, Plain::Broke);
    let answer = failed.answered(Ok(1));
    assert_eq!(answer.into_result(), Ok(1));
}

#[test]
fn a_type_that_says_what_its_errors_mean_is_asked() {
    let throttled = Class::Throttled { retry_after: None };
    for (class, expected) in [
        (Class::Transient, true),
        (throttled, true),
        (Class::Permanent, false),
        (Class::Ignored, false),
    ] {
        let decided = FALLBACK.needed(Err(Classified(class)), classified());
        assert_eq!(is_needed(&decided), expected, "{class:?}");
    }
}

#[test]
fn a_predicate_decides_alone() {
    for (class, chosen) in [(Class::Permanent, true), (Class::Transient, false)] {
        let decided = FALLBACK.needed_if(Err(Classified(class)), classified(), |_| chosen);
        assert_eq!(is_needed(&decided), chosen);
    }
}

static FULL: Bulkhead = Bulkhead::for_function("shop::price").max_concurrent(1);

/// What a bulkhead without a place answers.
async fn rejected<E: From<Error>>() -> Answer<u32, E> {
    let call = function::<Result<u32, E>>("shop::price");
    let mut rejected = None;
    let holds = async {
        let inner = FULL.enter(async { Ok(1) }, call).await;
        rejected = Some(inner);
        Ok(1)
    };
    let held = FULL.enter(holds, call).await;
    rejected.unwrap_or(held)
}

#[tokio::test(start_paused = true)]
async fn an_inner_refusal_needs_one_whatever_the_type_says_of_it() {
    let decided = FALLBACK.needed(rejected::<Plain>().await, plain());
    let ControlFlow::Continue((error, _)) = decided else {
        panic!("it is handed on");
    };
    assert_eq!(error, Plain::Policy);
    let decided = FALLBACK.needed(rejected::<Classified>().await, classified());
    assert!(is_needed(&decided));
}

#[tokio::test(start_paused = true)]
async fn a_predicate_sees_inner_refusals_too() {
    for chosen in [true, false] {
        let answer = rejected::<Plain>().await;
        let decided = FALLBACK.needed_if(answer, plain(), |error| {
            assert_eq!(*error, Plain::Policy);
            chosen
        });
        assert_eq!(is_needed(&decided), chosen);
    }
}

/// What a breaker, which judges by the origin alone, makes of the answer of a fallback.
async fn judged(answer: Answer<u32, Plain>) -> CircuitState {
    let breaker = CircuitBreaker::for_function("shop::price").failure_threshold(1);
    let breaker: &'static CircuitBreaker = Box::leak(Box::new(breaker));
    let call = function::<Result<u32, Plain>>("shop::price");
    let _ = breaker
        .guard(async { answer }, call, errors())
        .await
        .into_answer();
    breaker.state()
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_not_a_refusal_and_the_body_did_what_it_did() {
    let failed = |answer: Answer<u32, Plain>| match FALLBACK.needed(answer, plain()) {
        ControlFlow::Continue((_, failed)) => failed,
        ControlFlow::Break(answer) => panic!("{answer:?}"),
    };
    // The body did not run: the answer says nothing about the dependency.
    let answer = failed(rejected().await).answered(Err(Plain::Broke));
    assert_eq!(judged(answer).await, CircuitState::Closed);
    // It ran.
    let ran = Err::<u32, _>(Plain::Broke).into_answer();
    let answer = failed(ran).answered(Err(Plain::Broke));
    assert_eq!(judged(answer).await, CircuitState::Open);
    // It may have run.
    static TIMEOUT: Timeout = Timeout::after(Duration::from_millis(1));
    let call = function::<Result<u32, Plain>>("shop::price");
    let cut_off = TIMEOUT
        .limit(std::future::pending::<Result<u32, Plain>>(), call)
        .await;
    let answer: Answer<u32, Plain> = failed(cut_off).answered(Ok(1));
    assert!(format!("{answer:?}").contains("MayHaveRun"), "{answer:?}");
}

#[test]
fn nothing_is_asked_of_the_error_type() {
    let decided = FALLBACK.needed(
        Ok::<u32, Infallible>(7),
        errors::<Result<u32, Infallible>>(),
    );
    assert!(!is_needed(&decided));
}

#[test]
fn the_catalog_knows_it() {
    assert_eq!(FALLBACK.kind(), PolicyKind::Fallback);
    let second = Some(Duration::from_secs(1));
    // A function may take any time, a value takes none.
    static VALUE: Fallback = Fallback::for_function("shop::price").with_value();
    assert_eq!(FALLBACK.worst_case(second), None);
    assert_eq!(VALUE.worst_case(second), second);
    assert!(FALLBACK.switch().is_some());
}
