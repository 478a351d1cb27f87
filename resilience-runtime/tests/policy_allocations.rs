//! While all is well the stack of three policies allocates nothing. The counter counts for its own
//! thread only, so that the other tests do not disturb it.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{errors, function};
use resilience_runtime::policy::circuit_breaker::CircuitBreaker;
use resilience_runtime::policy::replay::Replay;
use resilience_runtime::policy::retry::Retry;
use resilience_runtime::policy::timeout::Timeout;

/// A call under all three policies, whose body is ready at once.
async fn charge(breaker: &'static CircuitBreaker, amount: u32) -> Result<u32, Error> {
    static RETRY: Retry = Retry::max_attempts(4);
    static TIMEOUT: Timeout = Timeout::after(Duration::from_millis(800));
    let function = function::<Result<u32, Error>>("shop::charge");
    let mut amount = Replay::new(amount);
    let mut attempts = RETRY.attempts(function, errors());
    loop {
        let last = attempts.is_last();
        let call = async { Ok(amount.take(last) + 1) };
        let call = TIMEOUT.limit(call, function);
        let call = breaker.guard(call, function, errors());
        let pause = match attempts.settle(call.await) {
            ControlFlow::Break(answer) => break answer.into_result(),
            ControlFlow::Continue(pause) => pause,
        };
        pause.await;
    }
}

/// What a thousand calls allocate. There is no runtime, so that there is none to allocate, and a
/// timer would panic.
fn a_thousand_calls(breaker: &'static CircuitBreaker) -> AllocationInfo {
    measure(|| {
        for amount in 0..1_000 {
            let mut context = Context::from_waker(Waker::noop());
            let polled = pin!(charge(breaker, black_box(amount))).poll(&mut context);
            assert!(matches!(polled, Poll::Ready(Ok(sum)) if sum == amount + 1));
        }
    })
}

#[test]
fn a_call_that_succeeds_at_once_allocates_nothing() {
    static OF_A_FUNCTION: CircuitBreaker = CircuitBreaker::for_function("shop::charge");
    assert_eq!(a_thousand_calls(&OF_A_FUNCTION).count_total, 0);
}

#[test]
fn nor_does_one_under_a_shared_name_after_the_first() {
    static FIRST: CircuitBreaker = CircuitBreaker::named("gateway");
    static SECOND: CircuitBreaker = CircuitBreaker::named("gateway");
    for breaker in [&FIRST, &SECOND] {
        // Looks the name up.
        a_thousand_calls(breaker);
        assert_eq!(a_thousand_calls(breaker).count_total, 0);
    }
}

#[test]
fn nor_does_a_rejection() {
    static BREAKER: CircuitBreaker =
        CircuitBreaker::for_function("shop::charge").failure_threshold(1);
    let call = function::<Result<u32, Error>>("shop::charge");
    let mut context = Context::from_waker(Waker::noop());
    let fails = async {
        Err(Error::NoRuntime {
            attribute: "test",
            function: "shop::charge",
        })
    };
    assert!(
        pin!(BREAKER.guard(fails, call, errors()))
            .poll(&mut context)
            .is_ready()
    );
    let rejections = measure(|| {
        for _ in 0..1_000 {
            let guarded = BREAKER.guard(async { Ok(7) }, call, errors());
            let Poll::Ready(answer) = pin!(guarded).poll(&mut context) else {
                panic!("it waits");
            };
            assert!(matches!(
                answer.into_result(),
                Err(Error::CircuitOpen { .. })
            ));
        }
    });
    assert_eq!(rejections.count_total, 0);
}

/// The counter counts.
#[test]
fn an_allocation_is_seen() {
    assert_eq!(measure(|| drop(black_box(Box::new(1)))).count_total, 1);
}
