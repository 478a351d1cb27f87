//! The local policies through their attributes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{CircuitBreaker, CircuitState, Effect, Error, circuit_breaker, retry, timeout};
use tokio::time::Instant;

/// An error that is never equal to another one, so that "unchanged" can be seen.
#[derive(Debug)]
pub(crate) enum Failure {
    Busy(Arc<u32>),
    Broken,
    Policy(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

/// Counts calls and answers with the errors it was given.
#[derive(Default)]
pub(crate) struct Script {
    calls: AtomicU32,
}

impl Script {
    fn next(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

#[retry(max_attempts = 3, backoff = exponential(100ms, factor = 3, max = 200ms), jitter = none)]
async fn always_busy(script: &Script) -> Result<(), Failure> {
    Err(Failure::Busy(Arc::new(script.next())))
}

#[retry(max_attempts = 3, backoff = fixed(0s))]
async fn again_at_once(calls: &AtomicU32) -> Result<(), u32> {
    Err(calls.fetch_add(1, Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_fixed_pause_of_zero_is_none() {
    let began = Instant::now();
    assert_eq!(again_at_once(&AtomicU32::new(0)).await, Err(2));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn attempts_and_pauses_are_exact_and_the_last_error_comes_back() {
    let (script, start) = (Script::default(), Instant::now());
    let error = always_busy(&script).await.unwrap_err();
    assert!(matches!(&error, Failure::Busy(n) if **n == 3), "{error:?}");
    assert_eq!(script.calls(), 3);
    assert_eq!(start.elapsed(), Duration::from_millis(100 + 200));
}

#[retry(backoff = fixed(1s), jitter = none, retry_on = Failure::Busy(_), when = |error| matches!(error, Failure::Busy(n) if **n < 3))]
async fn picky(script: &Script, broken_at: u32) -> Result<u32, Failure> {
    match script.next() {
        n if n == broken_at => Err(Failure::Broken),
        n if n < 4 => Err(Failure::Busy(Arc::new(n))),
        n => Ok(n),
    }
}

#[tokio::test(start_paused = true)]
async fn pattern_and_predicate_must_agree() {
    let script = Script::default();
    assert!(matches!(picky(&script, 2).await, Err(Failure::Broken)));
    assert_eq!(script.calls(), 2);
    let script = Script::default();
    assert!(matches!(picky(&script, 9).await, Err(Failure::Busy(n)) if *n == 3));
    assert_eq!(script.calls(), 3);
}

const SHORT: Duration = Duration::from_millis(250);

#[timeout(SHORT)]
async fn slow(script: &Script) -> Result<(), Failure> {
    script.next();
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn a_timeout_says_which_function_and_that_it_may_have_run() {
    let (script, start) = (Script::default(), Instant::now());
    let Failure::Policy(error) = slow(&script).await.unwrap_err() else {
        panic!("not ours")
    };
    assert_eq!(error.effect(), Effect::MayHaveRun);
    assert_eq!(start.elapsed(), SHORT);
    assert_eq!(
        error.to_string(),
        "`behaviour::local::slow` did not answer within 250ms; it may have had its effect"
    );
}

#[circuit_breaker(failure_threshold = 3, open_for = 10s, half_open_permits = 2, success_threshold = 2)]
async fn fragile(script: &Script, works: bool) -> Result<u32, Failure> {
    let n = script.next();
    if works { Ok(n) } else { Err(Failure::Broken) }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_refuses_probes_and_closes() {
    let script = Script::default();
    for _ in 0..3 {
        assert!(matches!(
            fragile(&script, false).await,
            Err(Failure::Broken)
        ));
    }
    let Err(Failure::Policy(refusal)) = fragile(&script, true).await else {
        panic!("admitted")
    };
    assert_eq!(refusal.effect(), Effect::DidNotRun);
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(10)));
    assert_eq!(script.calls(), 3);

    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(fragile(&script, true).await.is_ok());
    assert!(fragile(&script, true).await.is_ok());
    // Closed again: two failures are not three.
    for _ in 0..2 {
        assert!(matches!(
            fragile(&script, false).await,
            Err(Failure::Broken)
        ));
    }
    assert!(fragile(&script, true).await.is_ok());
}

#[circuit_breaker(name = "shared by name", failure_threshold = 2)]
async fn first(works: bool) -> Result<(), Failure> {
    if works { Ok(()) } else { Err(Failure::Broken) }
}

#[circuit_breaker(name = "shared by name", failure_threshold = 2)]
async fn second(works: bool) -> Result<(), Failure> {
    if works { Ok(()) } else { Err(Failure::Broken) }
}

#[circuit_breaker(name = "shared by name", failure_threshold = 7)]
async fn third() -> Result<(), Failure> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_name_is_one_breaker_and_one_configuration() {
    assert!(matches!(first(false).await, Err(Failure::Broken)));
    assert!(matches!(second(false).await, Err(Failure::Broken)));
    assert!(matches!(
        first(true).await,
        Err(Failure::Policy(Error::CircuitOpen { .. }))
    ));

    let Err(Failure::Policy(conflict)) = third().await else {
        panic!("admitted")
    };
    let text = conflict.to_string();
    assert!(
        text.contains("`shared by name`") && text.matches("local.rs:").count() == 2,
        "{text}"
    );
}

static WAREHOUSE: CircuitBreaker = CircuitBreaker::named("warehouse").failure_threshold(1);

#[circuit_breaker(WAREHOUSE)]
async fn reserve() -> Result<(), Failure> {
    Err(Failure::Broken)
}

#[circuit_breaker(WAREHOUSE)]
async fn release() -> Result<(), Failure> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_static_is_shared_by_its_path() {
    assert!(matches!(reserve().await, Err(Failure::Broken)));
    assert_eq!(WAREHOUSE.state(), CircuitState::Open);
    assert!(matches!(
        release().await,
        Err(Failure::Policy(Error::CircuitOpen { .. }))
    ));
}

#[circuit_breaker(failure_threshold = 1)]
async fn generic<T: Send>(_value: T) -> Result<(), Failure> {
    Err(Failure::Broken)
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_generic_function_share_its_breaker() {
    assert!(matches!(generic(1_u8).await, Err(Failure::Broken)));
    assert!(matches!(generic("text").await, Err(Failure::Policy(_))));
}

#[retry]
async fn counts_clones(token: Cloned) -> Result<(), Failure> {
    let _held = token;
    Err(Failure::Broken)
}

struct Cloned(Arc<AtomicU32>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test(start_paused = true)]
async fn an_argument_is_cloned_for_every_attempt_but_the_last() {
    let clones = Arc::new(AtomicU32::new(0));
    assert!(counts_clones(Cloned(Arc::clone(&clones))).await.is_err());
    assert_eq!(clones.load(Ordering::Relaxed), 3);
}

#[retry(max_attempts = 2, backoff = fixed(1ms))]
async fn io(script: &Script) -> std::io::Result<u32> {
    match script.next() {
        1 => Err(std::io::ErrorKind::ConnectionReset.into()),
        n => Ok(n),
    }
}

#[timeout(1ms)]
async fn io_timeout() -> std::io::Result<()> {
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn foreign_error_types_need_no_wrapper() {
    assert_eq!(io(&Script::default()).await.unwrap(), 2);
    assert_eq!(
        io_timeout().await.unwrap_err().kind(),
        std::io::ErrorKind::TimedOut
    );
}
