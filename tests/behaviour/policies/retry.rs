//! The options of `#[retry]`.

use std::error::Error as _;
use std::time::Duration;

use resilience::{Classify, Error, Retry, RetryBudget, retry, timeout};
use tokio::time::Instant;

use super::{Count, Failure};

#[derive(Debug, PartialEq)]
enum Receipt {
    Pending,
    Paid(u32),
}

#[retry(max_attempts = 4, backoff = linear(1s, step = 2s), jitter = none, retry_on_value = Receipt::Pending)]
async fn poll(calls: &Count, paid_at: u32) -> Result<Receipt, Failure> {
    match calls.next() {
        call if call < paid_at => Ok(Receipt::Pending),
        call => Ok(Receipt::Paid(call)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_can_be_as_bad_as_an_error() {
    let (calls, begun) = (Count::new(), Instant::now());
    assert_eq!(poll(&calls, 3).await.unwrap(), Receipt::Paid(3));
    assert_eq!(begun.elapsed(), Duration::from_secs(1 + 3));
    // Used up, the last value is the answer.
    let calls = Count::new();
    assert_eq!(poll(&calls, 9).await.unwrap(), Receipt::Pending);
    assert_eq!(calls.get(), 4);
}

#[retry(max_attempts = 4, backoff = fixed(1s), retry_on = Failure::Busy | Failure::Declined, abort_on = Failure::Declined)]
async fn aborts(calls: &Count) -> Result<(), Failure> {
    match calls.next() {
        1 => Err(Failure::Busy),
        _ => Err(Failure::Declined),
    }
}

#[tokio::test(start_paused = true)]
async fn abort_wins() {
    let calls = Count::new();
    assert!(matches!(aborts(&calls).await, Err(Failure::Declined)));
    assert_eq!(calls.get(), 2);
}

#[derive(Debug, Classify)]
enum Answer {
    #[classify(transient)]
    Reset,
    #[classify(throttled(after = wait))]
    Slow { wait: Duration },
    #[classify(permanent)]
    NotFound,
}

#[retry(max_attempts = 5, backoff = exponential(1s, max = 10s), jitter = none)]
async fn classified(calls: &Count) -> Result<(), Answer> {
    match calls.next() {
        1 => Err(Answer::Reset),
        2 => Err(Answer::Slow {
            wait: Duration::from_secs(7),
        }),
        3 => Err(Answer::Slow {
            wait: Duration::from_secs(3_600),
        }),
        _ => Err(Answer::NotFound),
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_type_says_what_is_worth_another_attempt_and_when() {
    let (calls, begun) = (Count::new(), Instant::now());
    assert!(matches!(classified(&calls).await, Err(Answer::NotFound)));
    assert_eq!(calls.get(), 4);
    // The first pause; what the error asked for; and no more than the longest pause.
    assert_eq!(begun.elapsed(), Duration::from_secs(1 + 7 + 10));
}

#[retry(max_attempts = 2, backoff = fixed(1s), jitter = none, retry_after = |error| matches!(error, Failure::Busy).then_some(Duration::from_millis(1)))]
async fn asks(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn a_shorter_time_than_the_pause_changes_nothing() {
    let begun = Instant::now();
    asks(&Count::new()).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

static SMALL: RetryBudget = RetryBudget::named("small")
    .burst(5)
    .ratio(0.5)
    .per_second(0);
static STANDARD: Retry = Retry::max_attempts(4)
    .backoff(resilience::Backoff::fixed(Duration::from_secs(1)))
    .shared_budget(&SMALL);

#[retry(STANDARD)]
async fn one(calls: &Count, fails: bool) -> Result<(), Failure> {
    calls.next();
    if fails { Err(Failure::Busy) } else { Ok(()) }
}

#[retry(STANDARD, retry_on = Failure::Busy)]
async fn other(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn functions_share_a_budget_and_a_refusal_keeps_the_last_error() {
    let calls = Count::new();
    // Three retries of one, two of the other, and none is left.
    assert!(matches!(one(&calls, true).await, Err(Failure::Busy)));
    let refused = other(&calls).await.unwrap_err();
    let Failure::Policy(
        error @ Error::RetryBudgetExhausted {
            budget: "small", ..
        },
    ) = &refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(error.source().unwrap().to_string(), "busy");
    assert_eq!(calls.get(), 4 + 3);
    // Two successes pay for one retry.
    for _ in 0..2 {
        one(&calls, false).await.unwrap();
    }
    one(&calls, true).await.unwrap_err();
    assert_eq!(calls.get(), 7 + 2 + 2);
}

fn two_seconds(attempt: u32) -> Duration {
    Duration::from_secs(2 * u64::from(attempt))
}

#[retry(max_attempts = 3, backoff = custom(two_seconds, max = 3s), jitter = none, budget = none)]
async fn custom(calls: &Count) -> Result<(), Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn a_backoff_of_ones_own() {
    let begun = Instant::now();
    custom(&Count::new()).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(2 + 3));
}

/// What a policy below refuses is permanent as an error of the body.
#[derive(Debug, Classify)]
enum Quote {
    #[classify(transient)]
    Busy,
    #[classify(transient)]
    Closed,
    #[classify(permanent)]
    Unknown,
    #[classify(permanent)]
    Policy(Error),
}

impl From<Error> for Quote {
    fn from(error: Error) -> Self {
        Self::Policy(error)
    }
}

/// What the attempts come to, one by one.
type Script = &'static [fn() -> Option<Result<u32, Quote>>];

async fn play(calls: &Count, script: Script) -> Result<u32, Quote> {
    let call = calls.next() as usize;
    match script[call - 1]() {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}

#[retry(max_attempts = 4, backoff = fixed(1s), jitter = none, abort_on = Quote::Closed)]
#[timeout(2s)]
async fn aborted(calls: &Count, script: Script) -> Result<u32, Quote> {
    play(calls, script).await
}

#[retry(max_attempts = 4, backoff = fixed(1s), jitter = none, retry_on_value = 0)]
#[timeout(2s)]
async fn awaited(calls: &Count, script: Script) -> Result<u32, Quote> {
    play(calls, script).await
}

#[retry(max_attempts = 4, backoff = fixed(1s), jitter = none, abort_on = Quote::Closed, retry_on_value = 0, retry_after = |_| Some(Duration::from_millis(1)))]
#[timeout(2s)]
async fn either(calls: &Count, script: Script) -> Result<u32, Quote> {
    play(calls, script).await
}

const HANGS: fn() -> Option<Result<u32, Quote>> = || None;
const BUSY: fn() -> Option<Result<u32, Quote>> = || Some(Err(Quote::Busy));
const CLOSED: fn() -> Option<Result<u32, Quote>> = || Some(Err(Quote::Closed));
const UNKNOWN: fn() -> Option<Result<u32, Quote>> = || Some(Err(Quote::Unknown));
const ZERO: fn() -> Option<Result<u32, Quote>> = || Some(Ok(0));
const ONE: fn() -> Option<Result<u32, Quote>> = || Some(Ok(1));

#[tokio::test(start_paused = true)]
async fn what_a_pattern_leaves_out_is_judged_by_where_it_comes_from() {
    // A timeout below is tried again, whatever its class; so is what the type calls transient.
    let (calls, begun) = (Count::new(), Instant::now());
    assert_eq!(aborted(&calls, &[HANGS, BUSY, ONE]).await.unwrap(), 1);
    assert_eq!(calls.get(), 3);
    assert_eq!(begun.elapsed(), Duration::from_secs(2 + 1 + 1));

    let calls = Count::new();
    assert_eq!(awaited(&calls, &[HANGS, ZERO, BUSY, ONE]).await.unwrap(), 1);
    assert_eq!(calls.get(), 4);

    let calls = Count::new();
    assert_eq!(either(&calls, &[ZERO, HANGS, BUSY, ONE]).await.unwrap(), 1);
    assert_eq!(calls.get(), 4);

    // What the type calls permanent is not, and what the pattern names is not.
    for script in [&[BUSY, UNKNOWN] as Script, &[BUSY, CLOSED]] {
        let calls = Count::new();
        aborted(&calls, script).await.unwrap_err();
        assert_eq!(calls.get(), 2);
    }
    // Here nothing takes it away.
    let calls = Count::new();
    assert_eq!(awaited(&calls, &[CLOSED, ONE]).await.unwrap(), 1);
    assert!(matches!(
        awaited(&Count::new(), &[UNKNOWN]).await,
        Err(Quote::Unknown)
    ));
}

#[retry(max_attempts = 2, backoff = fixed(1s), abort_on = Quote::Policy(_))]
#[timeout(2s)]
async fn never_cut_off_twice(calls: &Count) -> Result<u32, Quote> {
    play(calls, &[HANGS]).await
}

#[tokio::test(start_paused = true)]
async fn a_timeout_can_be_taken_away() {
    let calls = Count::new();
    assert!(matches!(
        never_cut_off_twice(&calls).await,
        Err(Quote::Policy(Error::TimedOut { .. }))
    ));
    assert_eq!(calls.get(), 1);
}
