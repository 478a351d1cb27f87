//! The options of `#[circuit_breaker]`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use resilience::{
    CircuitBreaker, Classify, Error, KeyedCircuitBreaker, State, circuit_breaker, retry, timeout,
};
use tokio::time::sleep;

use super::limits::join_all;
use super::{Count, Failure};

static RATED: CircuitBreaker = CircuitBreaker::named("rated")
    .failure_rate(0.5)
    .count_window(10)
    .minimum_calls(10);

#[circuit_breaker(RATED)]
async fn rated(fails: bool) -> Result<(), Failure> {
    if fails { Err(Failure::Busy) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_success_completes_the_window_and_trips_it() {
    for _ in 0..5 {
        rated(true).await.unwrap_err();
    }
    for _ in 0..4 {
        rated(false).await.unwrap();
    }
    assert_eq!(RATED.state(), State::Closed);
    rated(false).await.unwrap();
    assert_eq!(RATED.state(), State::Open);
    let Err(Failure::Policy(Error::CircuitOpen { .. })) = rated(false).await else {
        panic!("it is open");
    };
}

static CAUSE: CircuitBreaker = CircuitBreaker::named("cause").failure_threshold(1);

#[circuit_breaker(CAUSE)]
async fn with_a_cause() -> Result<(), Failure> {
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn a_rejection_says_when_and_why() {
    with_a_cause().await.unwrap_err();
    let Err(Failure::Policy(error)) = with_a_cause().await else {
        panic!("it is open");
    };
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(
        error.to_string(),
        "circuit breaker `cause` is open; it may admit a call in 60s; it was opened by: busy"
    );
}

const A_LONG_TIME: Duration = Duration::from_secs(3 * 60 * 60);

#[circuit_breaker(failure_threshold = 1, open_for = exponential(20m))]
async fn opens_for_long() -> Result<(), Failure> {
    Err(Failure::Busy)
}

#[circuit_breaker(failure_threshold = 1, open_for = exponential(A_LONG_TIME))]
async fn opens_for_a_constant() -> Result<(), Failure> {
    Err(Failure::Busy)
}

#[circuit_breaker(failure_threshold = 1, open_for = exponential(9m))]
async fn opens_for_less() -> Result<(), Failure> {
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn a_first_time_above_the_longest_is_the_longest() {
    async fn refuses_for<F: Future<Output = Result<(), Failure>>>(call: impl Fn() -> F) -> u64 {
        assert!(matches!(call().await, Err(Failure::Busy)));
        let Err(Failure::Policy(error)) = call().await else {
            panic!("it is open");
        };
        let left = error.retry_after().expect("it says when");
        sleep(left).await;
        left.as_secs() / 60
    }
    for _ in 0..2 {
        assert_eq!(refuses_for(opens_for_long).await, 20);
        assert_eq!(refuses_for(opens_for_a_constant).await, 180);
    }
    assert_eq!(refuses_for(opens_for_less).await, 9);
    assert_eq!(refuses_for(opens_for_less).await, 10);
}

#[derive(Debug, Classify)]
enum Reply {
    #[classify(transient)]
    Reset,
    #[classify(permanent)]
    NotFound,
    #[classify(ignored)]
    Cancelled,
    #[classify(transparent)]
    Policy(Error),
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

static CLASSED: CircuitBreaker = CircuitBreaker::named("classed").failure_threshold(2);

#[circuit_breaker(CLASSED)]
async fn classed(reply: fn() -> Reply) -> Result<(), Reply> {
    Err(reply())
}

#[tokio::test(start_paused = true)]
async fn the_error_type_says_what_is_a_failure() {
    classed(|| Reply::Reset).await.unwrap_err();
    // A real answer: the dependency works, and the count begins again.
    classed(|| Reply::NotFound).await.unwrap_err();
    classed(|| Reply::Reset).await.unwrap_err();
    assert_eq!(CLASSED.state(), State::Closed);
    // Says nothing.
    classed(|| Reply::Cancelled).await.unwrap_err();
    classed(|| Reply::Reset).await.unwrap_err();
    assert_eq!(CLASSED.state(), State::Open);
    let Err(Reply::Policy(Error::CircuitOpen { .. })) = classed(|| Reply::Reset).await else {
        panic!("it is open");
    };
}

static PATTERNS: CircuitBreaker = CircuitBreaker::named("patterns").failure_threshold(1);

#[circuit_breaker(PATTERNS, failure_on = Failure::Busy)]
#[timeout(1s)]
async fn patterned(declined: bool) -> Result<(), Failure> {
    if declined {
        return Err(Failure::Declined);
    }
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_a_failure_whatever_the_patterns_say() {
    patterned(true).await.unwrap_err();
    assert_eq!(PATTERNS.state(), State::Closed);
    patterned(false).await.unwrap_err();
    assert_eq!(PATTERNS.state(), State::Open);
}

static SHARDS: KeyedCircuitBreaker = CircuitBreaker::named("shards")
    .failure_threshold(1)
    .per_key(100);

#[circuit_breaker(SHARDS, key = shard)]
async fn shard(shard: u32, name: String) -> Result<String, Failure> {
    if shard == 7 {
        Err(Failure::Busy)
    } else {
        Ok(name)
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_down_leaves_the_others_alone() {
    for number in 0..20 {
        let _ = shard(number, "x".to_owned()).await;
    }
    assert!(matches!(
        shard(7, "x".to_owned()).await,
        Err(Failure::Policy(Error::CircuitOpen { .. }))
    ));
    assert_eq!(shard(8, "x".to_owned()).await.unwrap(), "x");
    assert_eq!(SHARDS.of(&7_u32).state(), State::Open);
}

static HERD: CircuitBreaker = CircuitBreaker::named("herd")
    .failure_threshold(1)
    .half_open_permits(5)
    .success_threshold(5);

#[circuit_breaker(HERD)]
async fn herd(entered: &Count, fails: bool) -> Result<(), Failure> {
    entered.next();
    sleep(Duration::from_secs(1)).await;
    if fails { Err(Failure::Busy) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_callers_at_half_open_exactly_the_permitted_enter() {
    herd(&Count::new(), true).await.unwrap_err();
    sleep(Duration::from_secs(60)).await;
    let entered = Count::new();
    let answers = join_all((0..1_000).map(|_| herd(&entered, false))).await;
    assert_eq!(entered.get(), 5);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert_eq!(HERD.state(), State::Closed);
}

static UP: AtomicBool = AtomicBool::new(false);

async fn is_up() -> bool {
    UP.load(Ordering::Relaxed)
}

#[circuit_breaker(failure_threshold = 1, open_for = 1h, half_open_permits = 1, probe = is_up, probe_every = 2s)]
async fn probed(fails: bool) -> Result<(), Failure> {
    if fails { Err(Failure::Busy) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_probe_ends_the_waiting_early() {
    probed(true).await.unwrap_err();
    sleep(Duration::from_secs(60)).await;
    probed(false).await.unwrap_err();
    UP.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(3)).await;
    probed(false).await.unwrap();
}

#[retry(max_attempts = 3, backoff = fixed(2s), jitter = none)]
#[circuit_breaker(failure_threshold = 1, open_for = 2s, allow(retry_opens_breaker))]
async fn retried(calls: &Count) -> Result<u32, Failure> {
    match calls.next() {
        1 => Err(Failure::Busy),
        call => Ok(call),
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_the_breaker_when_it_can() {
    assert_eq!(retried(&Count::new()).await.unwrap(), 2);
}
