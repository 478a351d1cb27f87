//! The options of `#[circuit_breaker]`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use resilience::{
    CircuitBreaker, CircuitState, Classify, Error, KeyedCircuitBreaker, circuit_breaker, retry,
    timeout,
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
    assert_eq!(RATED.state(), CircuitState::Closed);
    rated(false).await.unwrap();
    assert_eq!(RATED.state(), CircuitState::Open);
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
    assert_eq!(CLASSED.state(), CircuitState::Closed);
    // Says nothing.
    classed(|| Reply::Cancelled).await.unwrap_err();
    classed(|| Reply::Reset).await.unwrap_err();
    assert_eq!(CLASSED.state(), CircuitState::Open);
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
    assert_eq!(PATTERNS.state(), CircuitState::Closed);
    patterned(false).await.unwrap_err();
    assert_eq!(PATTERNS.state(), CircuitState::Open);
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
    assert_eq!(SHARDS.of(&7_u32).state(), CircuitState::Open);
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
    assert_eq!(HERD.state(), CircuitState::Closed);
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

#[derive(Debug, Classify)]
enum Outer {
    #[classify(transient)]
    Reset,
    #[classify(transparent)]
    Policy(Error),
}

impl From<Error> for Outer {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reset => f.write_str("reset"),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Outer {}

static NO_MORE: resilience::RetryBudget = resilience::RetryBudget::named("no more")
    .burst(1)
    .ratio(0.01)
    .per_second(0);
static AROUND: CircuitBreaker = CircuitBreaker::named("around").failure_threshold(3);

#[retry(max_attempts = 2, backoff = fixed(1s), budget = NO_MORE)]
async fn gives_up() -> Result<(), Outer> {
    Err(Outer::Reset)
}

#[circuit_breaker(AROUND)]
async fn around() -> Result<(), Outer> {
    gives_up().await
}

#[tokio::test(start_paused = true)]
async fn a_breaker_around_another_function_sees_it_fail_also_when_its_retries_are_used_up() {
    for _ in 0..3 {
        assert_eq!(AROUND.state(), CircuitState::Closed);
        around().await.unwrap_err();
    }
    assert_eq!(AROUND.state(), CircuitState::Open);
    let error = around().await.unwrap_err();
    assert!(
        error.to_string().ends_with("the last error was: reset"),
        "{error}"
    );
}

static SHARED_OUT: CircuitBreaker = CircuitBreaker::named("share of the probes")
    .failure_threshold(1)
    .open_for(Duration::from_secs(10))
    .half_open_permits(2)
    .half_open_success_rate(0.5);

#[circuit_breaker(SHARED_OUT)]
async fn hangs_or(fails: Option<bool>) -> Result<(), Failure> {
    match fails {
        None => std::future::pending().await,
        Some(true) => Err(Failure::Busy),
        Some(false) => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_probes_have_no_part_in_the_share() {
    hangs_or(Some(true)).await.unwrap_err();
    sleep(Duration::from_secs(10)).await;
    let short = Duration::from_millis(1);
    for _ in 0..10 {
        tokio::time::timeout(short, hangs_or(None))
            .await
            .unwrap_err();
    }
    hangs_or(Some(true)).await.unwrap_err();
    for _ in 0..10 {
        tokio::time::timeout(short, hangs_or(None))
            .await
            .unwrap_err();
    }
    assert_eq!(SHARED_OUT.state(), CircuitState::HalfOpen);
    hangs_or(Some(false)).await.unwrap();
    assert_eq!(SHARED_OUT.state(), CircuitState::Closed);
}

static CURIOUS: CircuitBreaker = CircuitBreaker::named("curious").failure_threshold(1);

/// An error whose text needs the breaker that it opens.
#[derive(Debug)]
struct Curious;

impl std::fmt::Display for Curious {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "found it {:?}", CURIOUS.state())
    }
}

impl From<Error> for Curious {
    fn from(error: Error) -> Self {
        assert!(error.to_string().contains("found it Open"), "{error}");
        Self
    }
}

#[circuit_breaker(CURIOUS)]
async fn curious() -> Result<(), Curious> {
    Err(Curious)
}

#[tokio::test(start_paused = true)]
async fn the_text_of_an_error_may_ask_the_breaker() {
    curious().await.unwrap_err();
    curious().await.unwrap_err();
}
