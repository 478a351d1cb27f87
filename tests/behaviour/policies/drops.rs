//! A call under every local policy, dropped at every await: what it held comes back.

use std::time::Duration;

use resilience::{
    Bulkhead, CircuitBreaker, CircuitState, bulkhead, circuit_breaker, fallback, hedge, rate_limit,
    retry, timeout,
};
use resilience_test_support::cancel::at_every_await;
use tokio::time::sleep;

use super::{Count, Failure};

static PLACES: Bulkhead = Bulkhead::named("drops").max_concurrent(2).max_queue(1);
static BREAKER: CircuitBreaker = CircuitBreaker::named("drops")
    .failure_threshold(1)
    .half_open_permits(2)
    .success_threshold(1)
    .open_for(Duration::from_secs(1));

/// Counts the bodies that have ended, or were dropped.
struct Inside<'a>(&'a Count);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.next();
    }
}

#[fallback(instead, on = Failure::Declined)]
#[timeout(60s)]
#[rate_limit(rate = 1_000_000)]
#[hedge(delay = 20ms, allow(hedge_without_idempotency))]
#[retry(max_attempts = 2, backoff = fixed(1ms), jitter = none)]
#[bulkhead(PLACES)]
#[circuit_breaker(BREAKER)]
async fn everything(entered: &Count, left: &Count, order: String) -> Result<String, Failure> {
    entered.next();
    let _inside = Inside(left);
    for _ in 0..3 {
        sleep(Duration::from_millis(15)).await;
    }
    Ok(order)
}

async fn instead(_: &Count, _: &Count, order: String, _: Failure) -> Result<String, Failure> {
    Ok(order)
}

#[tokio::test(start_paused = true)]
async fn permits_places_and_bodies_are_all_back() {
    let (entered, left) = (Count::new(), Count::new());
    let summary = at_every_await(
        || everything(&entered, &left, "order".to_owned()),
        |run| {
            assert_eq!(entered.get(), left.get(), "{run:?}: a body is still there");
            assert_eq!((PLACES.running(), PLACES.waiting()), (0, 0), "{run:?}");
            assert_eq!(BREAKER.state(), CircuitState::Closed, "{run:?}");
            std::future::ready(())
        },
    )
    .await;
    assert!(summary.dropped >= 6, "{summary:?}");
    assert!(summary.completed >= 6, "{summary:?}");
}

#[circuit_breaker(BREAKER_OF_PROBES)]
async fn probe(fails: bool) -> Result<(), Failure> {
    sleep(Duration::from_millis(1)).await;
    sleep(Duration::from_millis(1)).await;
    if fails { Err(Failure::Busy) } else { Ok(()) }
}

static BREAKER_OF_PROBES: CircuitBreaker = CircuitBreaker::named("probes that are dropped")
    .failure_threshold(1)
    .half_open_permits(1)
    .success_threshold(1)
    .open_for(Duration::from_secs(1));

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_gives_its_permit_back_at_once() {
    let summary = at_every_await(
        || async {
            BREAKER_OF_PROBES.reset();
            probe(true).await.unwrap_err();
            sleep(Duration::from_secs(1)).await;
            probe(false).await
        },
        |run| async move {
            // Whatever became of the probe, the next one is admitted.
            if BREAKER_OF_PROBES.state() == CircuitState::HalfOpen {
                probe(false)
                    .await
                    .unwrap_or_else(|error| panic!("{run:?}: {error}"));
            }
        },
    )
    .await;
    assert!(summary.dropped >= 4, "{summary:?}");
}
