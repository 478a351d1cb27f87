//! While all is well, a function under the local policies allocates nothing, in every shape that a
//! function has, and neither does a rejection. The counter counts for its own thread only, so that tests do not disturb
//! each other.
//!
//! That such a call takes no lock either cannot be seen from outside, and follows from the code:
//! of retry, breaker and timeout the breaker has the only lock, and `admit_quickly` and `succeed_quickly`,
//! which are all that a call of a healthy breaker runs, read atomic words.

#![allow(missing_docs)] // Tests.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use resilience::{
    CircuitBreaker, CircuitState, Error, bulkhead, circuit_breaker, fallback, hedge, rate_limit,
    retry, timeout,
};

/// As large as an error that keeps its cause is.
#[derive(Debug)]
enum Failure {
    Busy(u64),
    Policy(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

/// Owned, and not `Copy`: each attempt gets a clone.
#[derive(Debug, Clone, PartialEq)]
struct Order {
    id: u64,
    digest: [u8; 32],
}

const ORDER: Order = Order {
    id: 7,
    digest: [1; 32],
};

#[retry(max_attempts = 3, backoff = exponential(100ms))]
#[circuit_breaker(failure_threshold = 5, open_for = 30s)]
#[timeout(800ms)]
async fn free(order: Order, amount: u64) -> Result<u64, Failure> {
    Ok(black_box(order).id + amount)
}

#[retry(retry_on = Failure::Busy(_) | Failure::Policy(Error::TimedOut { .. }))]
#[circuit_breaker(name = "gateway")]
#[timeout(800ms)]
async fn under_a_shared_name(order: &Order, (amount, _): (u64, u8)) -> Result<u64, Failure> {
    Ok(black_box(order).id + amount)
}

static GATEWAY: CircuitBreaker = CircuitBreaker::named("a static");

#[retry(when = |error| matches!(error, Failure::Busy(_)))]
#[circuit_breaker(GATEWAY)]
#[timeout(800ms)]
async fn under_a_static(order: Order, amount: impl Into<u64> + Clone) -> Result<u64, Failure> {
    std::future::ready(()).await;
    Ok(black_box(order).id + amount.into())
}

struct Shop {
    total: u64,
}

impl Shop {
    #[retry(max_attempts = 3)]
    #[circuit_breaker(failure_threshold = 5)]
    #[timeout(800ms)]
    async fn method<T: Clone + Into<u64>>(
        &mut self,
        order: Order,
        amount: T,
    ) -> Result<u64, Failure> {
        self.total = black_box(order).id + amount.into();
        Ok(self.total)
    }
}

/// What a thousand calls allocate, after one that meets what the first call of a process does.
/// There is no tokio runtime, so that a timer would panic.
fn allocations<F: Future<Output = Result<u64, Failure>>>(mut call: impl FnMut(u64) -> F) -> u64 {
    let mut poll = |amount: u64| {
        let mut context = Context::from_waker(Waker::noop());
        let polled = pin!(call(black_box(amount))).poll(&mut context);
        assert!(matches!(polled, Poll::Ready(Ok(sum)) if sum == amount + ORDER.id));
    };
    poll(0);
    let measured = measure(|| {
        for amount in 0..1_000 {
            poll(amount);
        }
    });
    measured.count_total
}

#[test]
fn of_a_function_with_an_owned_argument() {
    assert_eq!(allocations(|amount| free(ORDER, amount)), 0);
}

#[test]
fn of_a_function_with_a_borrowed_argument_under_a_shared_name() {
    assert_eq!(
        allocations(|amount| under_a_shared_name(&ORDER, (amount, 0))),
        0
    );
}

#[test]
fn of_a_generic_function_under_a_static() {
    assert_eq!(allocations(|amount| under_a_static(ORDER, amount)), 0);
    assert_eq!(GATEWAY.state(), CircuitState::Closed);
}

#[test]
fn of_a_generic_method() {
    let call = async |amount| {
        let mut shop = Shop { total: 0 };
        shop.method(ORDER, amount).await
    };
    assert_eq!(allocations(call), 0);
}

/// The counter counts: a clone of an argument on the heap, one for each attempt but the last.
#[test]
fn of_an_argument_on_the_heap_there_is_one() {
    #[retry]
    #[circuit_breaker]
    #[timeout(800ms)]
    async fn named(name: Box<u64>) -> Result<u64, Failure> {
        Ok(*name + ORDER.id)
    }
    let boxes_and_clones = 2 * 1_000;
    assert_eq!(
        allocations(|amount| named(Box::new(amount))),
        boxes_and_clones
    );
}

#[test]
fn of_four_policies_and_of_all_seven() {
    #[retry(max_attempts = 3)]
    #[bulkhead(max_concurrent = 8)]
    #[circuit_breaker(failure_threshold = 5)]
    #[timeout(800ms)]
    async fn four(order: Order, amount: u64) -> Result<u64, Failure> {
        Ok(black_box(order).id + amount)
    }

    async fn instead(_: &Order, _: u64, failure: Failure) -> Result<u64, Failure> {
        Err(failure)
    }

    #[fallback(instead)]
    #[rate_limit(rate = 1_000_000)]
    #[hedge(delay = 50ms, allow(hedge_without_idempotency))]
    #[retry(max_attempts = 3)]
    #[bulkhead(max_concurrent = 8)]
    #[circuit_breaker(failure_rate = 0.5, time_window = 5m)]
    #[timeout(800ms)]
    async fn seven(order: &Order, amount: u64) -> Result<u64, Failure> {
        Ok(black_box(order).id + amount)
    }

    assert_eq!(allocations(|amount| four(ORDER, amount)), 0);
    assert_eq!(allocations(|amount| seven(&ORDER, amount)), 0);
}

#[test]
fn of_a_rejection() {
    #[circuit_breaker(failure_threshold = 1, open_for = 1h)]
    async fn down(amount: u64) -> Result<u64, Failure> {
        Err(Failure::Busy(amount))
    }

    let reject = || {
        let mut context = Context::from_waker(Waker::noop());
        pin!(down(1)).poll(&mut context)
    };
    assert!(matches!(reject(), Poll::Ready(Err(Failure::Busy(1)))));
    let measured = measure(|| {
        for _ in 0..1_000 {
            let rejected = reject();
            assert!(matches!(
                rejected,
                Poll::Ready(Err(Failure::Policy(Error::CircuitOpen { .. })))
            ));
        }
    });
    assert_eq!(measured.count_total, 0);
}
