//! The three policies together, in the form that the attributes expand to.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use resilience_runtime::error::{Effect, Error};
use resilience_runtime::outcome::{errors, function};
use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, CircuitState};
use resilience_runtime::policy::replay::Replay;
use resilience_runtime::policy::retry::{Backoff, Jitter, Retry};
use resilience_runtime::policy::timeout::Timeout;
use tokio::time::{Instant, sleep};

#[derive(Debug)]
enum PayError {
    Busy,
    Broke,
    Policy(Error),
}

impl From<Error> for PayError {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Order(Vec<u32>);

/// How one attempt ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Ok,
    Err(fn() -> PayError),
    Never,
}

/// A gateway that does as it is told, attempt by attempt, and counts.
struct Gateway {
    breaker: CircuitBreaker,
    ends: Vec<End>,
    calls: AtomicU32,
}

impl Gateway {
    fn new(breaker: CircuitBreaker, ends: &[End]) -> &'static Self {
        Box::leak(Box::new(Self {
            breaker,
            ends: ends.to_vec(),
            calls: AtomicU32::new(0),
        }))
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn charge(&self, order: Order) -> Result<Order, PayError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) as usize;
        sleep(Duration::from_millis(10)).await;
        match self.ends.get(call).copied().unwrap_or(End::Never) {
            End::Ok => Ok(order),
            End::Err(error) => Err(error()),
            End::Never => std::future::pending().await,
        }
    }
}

async fn charge(gateway: &'static Gateway, order: Order) -> Result<Order, PayError> {
    let retry = {
        static RETRY: Retry = Retry::max_attempts(4)
            .backoff(
                Backoff::exponential(Duration::from_secs(1))
                    .factor(2.0)
                    .max(Duration::from_secs(30)),
            )
            .jitter(Jitter::None)
            .without_budget();
        &RETRY
    };
    let breaker = &gateway.breaker;
    let timeout = {
        static TIMEOUT: Timeout = Timeout::after(Duration::from_millis(800));
        &TIMEOUT
    };
    let function = function::<Result<Order, PayError>>("shop::charge");
    let mut order = Replay::new(order);
    let mut attempts = retry.attempts(function, errors());
    loop {
        let last = attempts.is_last();
        let call = async {
            if let Some(never) = function.never() {
                return never;
            }
            let order = order.take(last);
            let receipt = gateway.charge(order).await?;
            Ok(receipt)
        };
        let call = timeout.limit(call, function);
        let call = breaker.guard(call, function, errors());
        let pause = match attempts.settle_if(call.await, |result| {
            matches!(result, Err(PayError::Busy | PayError::Policy(_)))
        }) {
            ControlFlow::Break(answer) => break answer.into_result(),
            ControlFlow::Continue(pause) => pause,
        };
        pause.await;
    }
}

const BUSY: End = End::Err(|| PayError::Busy);
const BROKE: End = End::Err(|| PayError::Broke);

fn patient() -> CircuitBreaker {
    CircuitBreaker::for_function("shop::charge").failure_threshold(100)
}

fn order() -> Order {
    Order(vec![1, 2, 3])
}

#[tokio::test(start_paused = true)]
async fn a_call_recovers_from_an_error_and_a_hang() {
    let gateway = Gateway::new(patient(), &[BUSY, End::Never, End::Ok]);
    let start = Instant::now();
    assert_eq!(charge(gateway, order()).await.unwrap(), order());
    assert_eq!(gateway.calls(), 3);
    // 10 ms to the error, 1 s, 800 ms cut off, 2 s, 10 ms to the receipt.
    assert_eq!(start.elapsed(), Duration::from_millis(3_820));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_not_chosen_comes_back_at_once() {
    let gateway = Gateway::new(patient(), &[BUSY, BROKE]);
    let error = charge(gateway, order()).await.unwrap_err();
    assert!(matches!(error, PayError::Broke));
    assert_eq!(gateway.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_its_own_time() {
    let gateway = Gateway::new(patient(), &[]);
    let error = charge(gateway, order()).await.unwrap_err();
    assert!(matches!(error, PayError::Policy(Error::TimedOut { .. })));
    assert_eq!(gateway.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_waits_until_the_breaker_admits_it() {
    let breaker = CircuitBreaker::for_function("shop::charge")
        .failure_threshold(2)
        .open_for(Duration::from_secs(20))
        .half_open_permits(1);
    let gateway = Gateway::new(breaker, &[BUSY, BUSY, End::Ok]);
    let start = Instant::now();
    assert_eq!(charge(gateway, order()).await.unwrap(), order());
    // The third attempt found it open, for no longer than the longest pause, and the fourth came when
    // its time was over.
    assert_eq!(gateway.calls(), 3);
    assert_eq!(
        start.elapsed(),
        // The breaker opened 20 ms and one pause after the start.
        Duration::from_millis(20 + 1_000 + 20_000 + 10)
    );
    assert_eq!(gateway.breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn without_a_predicate_an_open_breaker_fails_fast() {
    let breaker: &'static CircuitBreaker = Box::leak(Box::new(
        CircuitBreaker::for_function("shop::charge").failure_threshold(1),
    ));
    let call = function::<Result<(), PayError>>("shop::charge");
    let retry: &'static Retry = Box::leak(Box::new(Retry::default().jitter(Jitter::None)));
    let mut attempts = retry.attempts(call, errors());
    let ran = Cell::new(0);
    let start = Instant::now();
    let result = loop {
        let body = async {
            ran.set(ran.get() + 1);
            Err(PayError::Busy)
        };
        match attempts.settle(breaker.guard(body, call, errors()).await) {
            ControlFlow::Break(answer) => break answer.into_result(),
            ControlFlow::Continue(pause) => pause.await,
        }
    };
    let Err(PayError::Policy(error)) = result else {
        panic!("{result:?}");
    };
    // The first attempt ran, which is why the breaker is open; this error is the second's.
    assert_eq!((ran.get(), start.elapsed()), (1, Duration::from_secs(1)));
    assert_eq!(error.effect(), Effect::DidNotRun);
    assert!(error.retry_after() > Some(Backoff::DEFAULT_MAX));
}

/// `charge` is `Send`, as it would be without the policies.
#[test]
fn the_future_can_be_sent() {
    fn sendable(_: impl Send) {}
    sendable(charge(Gateway::new(patient(), &[]), order()));
}

/// Neither the arguments nor the result nor the error are.
#[tokio::test(start_paused = true)]
async fn what_passes_through_need_not_be_sent() {
    struct Local(Rc<u32>);
    impl From<Error> for Local {
        fn from(_: Error) -> Self {
            Self(Rc::new(0))
        }
    }
    let breaker: &'static CircuitBreaker = Box::leak(Box::new(patient()));
    let call = function::<Result<Rc<u32>, Local>>("local");
    let mut argument = Replay::new(Rc::new(7));
    let retry: &'static Retry = Box::leak(Box::new(Retry::max_attempts(2)));
    let mut attempts = retry.attempts(call, errors());
    let result = loop {
        let last = attempts.is_last();
        let body = async {
            let argument = argument.take(last);
            if last {
                Ok(argument)
            } else {
                Err(Local(argument))
            }
        };
        static TIMEOUT: Timeout = Timeout::after(Duration::from_secs(1));
        let body = TIMEOUT.limit(body, call);
        match attempts.settle_if(
            breaker.guard(body, call, errors()).await,
            |result| matches!(result, Err(error) if *error.0 == 7),
        ) {
            ControlFlow::Break(answer) => break answer.into_result(),
            ControlFlow::Continue(pause) => pause.await,
        }
    };
    assert!(matches!(result, Ok(seven) if *seven == 7));
}

/// A call that is dropped half-way drops its copy of the argument.
#[tokio::test(start_paused = true)]
async fn arguments_are_dropped_with_the_call() {
    let argument = Rc::new(());
    let mut replay = Replay::new(Rc::clone(&argument));
    {
        let body = async {
            let _argument = replay.take(false);
            std::future::pending::<Result<(), PayError>>().await
        };
        let call = function::<Result<(), PayError>>("shop::charge");
        static TIMEOUT: Timeout = Timeout::after(Duration::from_millis(1));
        let mut limited = pin!(TIMEOUT.limit(body, call));
        let mut context = Context::from_waker(Waker::noop());
        assert!(limited.as_mut().poll(&mut context).is_pending());
        assert_eq!(Rc::strong_count(&argument), 3);
    }
    assert_eq!(Rc::strong_count(&argument), 2);
}
