//! Attributes that keep records, next to the others.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resilience::{
    CircuitBreaker, CircuitState, Effect, Error, Runtime, circuit_breaker, idempotent, saga,
    saga_step,
};

/// Not `Display`: only a saga asks for that.
#[derive(Debug)]
#[allow(dead_code)] // Read through `Debug` when a test fails.
enum Failure {
    Down,
    Policy(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

async fn open() -> Runtime {
    // Every saga of this program is known to every runtime in it, and wants its state.
    let builder = Runtime::builder("memory:").state(crate::durable::World::default());
    let runtime = builder.scoped().open().await;
    runtime.expect("the memory store opens")
}

static LEDGER: CircuitBreaker = CircuitBreaker::named("records::ledger")
    .failure_threshold(1)
    .open_for(Duration::from_secs(10))
    .success_threshold(1);
static LEDGER_IS_DOWN: AtomicBool = AtomicBool::new(false);

#[circuit_breaker(LEDGER)]
#[idempotent(key = entry)]
async fn book(entry: u32) -> Result<u32, Failure> {
    match LEDGER_IS_DOWN.load(Ordering::Relaxed) {
        true => Err(Failure::Down),
        false => Ok(entry),
    }
}

#[tokio::test(start_paused = true)]
async fn a_replayed_result_tells_a_breaker_nothing() {
    let runtime = open().await;
    runtime.scope(book(1)).await.unwrap();
    LEDGER_IS_DOWN.store(true, Ordering::Relaxed);
    runtime.scope(book(2)).await.unwrap_err();
    assert_eq!(LEDGER.state(), CircuitState::Open);
    tokio::time::advance(Duration::from_secs(10)).await;
    // A probe, which the store answers: nobody has asked the ledger.
    assert_eq!(runtime.scope(book(1)).await.unwrap(), 1);
    assert_eq!(LEDGER.state(), CircuitState::HalfOpen);
}

static SHUT: CircuitBreaker = CircuitBreaker::named("records::shut");

#[circuit_breaker(SHUT)]
#[idempotent(key = entry)]
async fn book_or_not(entry: u32) -> Result<u32, Failure> {
    Ok(entry)
}

/// What stands above the idempotency of a call and refuses it says nothing of the call before.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_is_no_replay() {
    let runtime = open().await;
    let calls = async {
        for _ in 0..2 {
            book_or_not(1).await.unwrap();
        }
        assert!(resilience::replayed());
        SHUT.force_open();
        book_or_not(1).await.unwrap_err();
        assert!(!resilience::replayed());
    };
    runtime.scope(calls).await;
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[saga_step(compensate = none)]
async fn pack() -> Result<u32, std::io::Error> {
    RUNS.fetch_add(1, Ordering::Relaxed);
    Ok(1)
}

#[saga]
async fn send() -> Result<u32, std::io::Error> {
    let first = pack().await?;
    Ok(first + pack().await?)
}

/// A saga goes on in the background when its caller goes away, so there has to be a background.
#[test]
fn a_saga_is_refused_outside_of_a_tokio_runtime() {
    let mut tokio = tokio::runtime::Builder::new_current_thread();
    let tokio = tokio.enable_all().build().unwrap();
    let runtime = tokio.block_on(open());
    let call = pin!(runtime.scope(send()));
    let Poll::Ready(answer) = call.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for what cannot come");
    };
    let error = answer.unwrap_err();
    let error = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>());
    assert!(matches!(error, Some(Error::Store { .. })), "{error:?}");
    assert_eq!(error.unwrap().effect(), Effect::DidNotRun);
    assert_eq!(RUNS.load(Ordering::Relaxed), 0);
    drop(tokio);
}
