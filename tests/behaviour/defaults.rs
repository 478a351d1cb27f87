//! What the attributes believe of the runtime where an option is left out. Their rules would
//! judge by other numbers than the ones in force.

use std::panic::catch_unwind;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use resilience::__private::{Idempotent, Locked};
use resilience::{Backoff, CircuitBreaker, CircuitState, Retry};
use tokio::time::{Duration, Instant, sleep};

#[path = "../../resilience-macros/src/policy/defaults.rs"]
mod believed;

#[derive(Debug)]
struct Down;

impl From<resilience::Error> for Down {
    fn from(_: resilience::Error) -> Self {
        Self
    }
}

#[test]
fn of_a_retry() {
    assert_eq!(Retry::DEFAULT_MAX_ATTEMPTS, believed::MAX_ATTEMPTS);
    assert_eq!(Backoff::DEFAULT_MAX, believed::MAX_PAUSE);
    assert!((Backoff::DEFAULT_FACTOR - believed::FACTOR).abs() < f64::EPSILON);
    // The whole of the pauses, up to those that are the longest.
    let written = Backoff::exponential(believed::FIRST_PAUSE)
        .factor(believed::FACTOR)
        .max(believed::MAX_PAUSE);
    for attempts in 1..10 {
        let default = Retry::DEFAULT_BACKOFF.longest_total(attempts);
        assert_eq!(default, written.longest_total(attempts), "{attempts}");
    }
}

static IN_A_ROW: CircuitBreaker = CircuitBreaker::named("defaults: in a row");
static OF_CALLS: CircuitBreaker = CircuitBreaker::named("defaults: of calls").failure_rate(0.5);
static OF_TIME: CircuitBreaker = CircuitBreaker::named("defaults: of time")
    .failure_rate(0.5)
    .time_window(Duration::from_secs(3600));

#[resilience::circuit_breaker(IN_A_ROW)]
async fn in_a_row(calls: &AtomicU32) -> Result<(), Down> {
    calls.fetch_add(1, Relaxed);
    Err(Down)
}

#[resilience::circuit_breaker(OF_CALLS)]
async fn of_calls(calls: &AtomicU32) -> Result<(), Down> {
    calls.fetch_add(1, Relaxed);
    Err(Down)
}

#[resilience::circuit_breaker(OF_TIME)]
async fn of_time(calls: &AtomicU32) -> Result<(), Down> {
    calls.fetch_add(1, Relaxed);
    Err(Down)
}

#[tokio::test(start_paused = true)]
async fn of_a_circuit_breaker() {
    let (row, window, time) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    for _ in 0..2 * believed::COUNT_WINDOW {
        let _down = (
            in_a_row(&row).await,
            of_calls(&window).await,
            of_time(&time).await,
        );
    }
    assert_eq!(CircuitBreaker::DEFAULT_LONGEST_OPEN, believed::LONGEST_OPEN);
    assert_eq!(row.into_inner(), believed::FAILURE_THRESHOLD);
    assert_eq!(window.into_inner(), believed::COUNT_WINDOW);
    assert_eq!(time.into_inner(), believed::TIME_WINDOW_MINIMUM);
}

static OPENED: CircuitBreaker = CircuitBreaker::named("defaults: opened").failure_threshold(1);

#[resilience::circuit_breaker(OPENED)]
async fn opened(calls: &AtomicU32) -> Result<(), Down> {
    calls.fetch_add(1, Relaxed);
    Err(Down)
}

#[tokio::test(start_paused = true)]
async fn of_an_open_circuit() {
    let (calls, start) = (AtomicU32::new(0), Instant::now());
    let _down = opened(&calls).await;
    assert_eq!(OPENED.state(), CircuitState::Open);
    while calls.load(Relaxed) == 1 {
        sleep(Duration::from_secs(1)).await;
        let _down = opened(&calls).await;
    }
    assert_eq!(start.elapsed(), believed::OPEN_FOR);
}

/// What is left out is what the attributes believe that it is.
#[test]
fn of_a_key_and_a_lock() {
    let left_out = Idempotent::operation("defaults");
    let written = left_out.ttl(believed::TTL).lease(believed::LEASE);
    assert_eq!(format!("{left_out:?}"), format!("{written:?}"));
    let left_out = Locked::named("defaults");
    let written = left_out.lease(believed::LEASE);
    assert_eq!(format!("{left_out:?}"), format!("{written:?}"));
}

/// The attributes refuse what is written out, and the runtime what is a constant.
#[test]
fn of_the_shortest_lease() {
    let shorter = believed::SHORTEST_LEASE - Duration::from_nanos(1);
    let _shortest = (
        Idempotent::operation("defaults").lease(believed::SHORTEST_LEASE),
        Locked::named("defaults").lease(believed::SHORTEST_LEASE),
    );
    assert!(catch_unwind(|| Idempotent::operation("defaults").lease(shorter)).is_err());
    assert!(catch_unwind(|| Locked::named("defaults").lease(shorter)).is_err());
}
