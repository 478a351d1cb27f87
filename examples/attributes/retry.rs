//! `#[retry]`: a price service that is busy at times, hangs at times, and does not know every item.
//!
//! ```sh
//! cargo run --example retry
//! ```

use std::sync::atomic::{AtomicU32, Ordering};

use resilience::{Error, RetryBudget, retry, timeout};

/// What the price service may be asked for beyond the first attempts, by all functions together:
/// one retry for ten answers, one a second, and five to begin with.
static PRICES: RetryBudget = RetryBudget::named("prices")
    .ratio(0.1)
    .per_second(1)
    .burst(5);

/// Busy, and a call that was cut off: again. An item that nobody knows: not.
#[retry(
    max_attempts = 4,
    backoff = exponential(5ms, max = 50ms),
    retry_on = PriceError::Busy | PriceError::Resilience(Error::TimedOut { .. }),
    budget = PRICES
)]
#[timeout(40ms)]
async fn price(service: &PriceService, item: &str) -> Result<u32, PriceError> {
    service.ask(item).await
}

#[tokio::main]
async fn main() {
    let service = PriceService::default();

    // Busy, hanging, busy, and then there.
    let answer = price(&service, "apple").await;
    println!("apple: {answer:?} after {} attempts", service.calls());
    assert!(matches!(answer, Ok(120)));
    assert_eq!(service.calls(), 4);

    // The service works, and this is its answer.
    let answer = price(&service, "unicorn").await;
    println!("unicorn: {answer:?} after {} attempt", service.calls() - 4);
    assert!(matches!(answer, Err(PriceError::Unknown)));
    assert_eq!(service.calls(), 5);

    // An outage: a hundred callers, each of whom would try four times. The budget does not let them.
    let mut given_up = 0;
    for _ in 0..100 {
        match price(&service, "outage").await {
            Err(PriceError::Resilience(error)) => {
                if given_up == 0 {
                    println!("outage: {error}");
                }
                given_up += 1;
            }
            other => println!("outage: {other:?}"),
        }
    }
    let calls = service.calls() - 5;
    println!("outage: {calls} attempts for 100 calls, {given_up} calls without another one");
    assert!(
        calls < 120,
        "the retries of an outage are bounded: {calls} attempts"
    );
}

#[derive(Debug)]
enum PriceError {
    Busy,
    Unknown,
    Resilience(Error),
}

// What a policy has to say reaches the caller through this.
impl From<Error> for PriceError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
    }
}

// With a text, an error can be the source of "the budget is used up".
impl std::fmt::Display for PriceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("the price service is busy"),
            Self::Unknown => f.write_str("there is no such item"),
            Self::Resilience(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PriceError {}

#[derive(Default)]
struct PriceService {
    calls: AtomicU32,
}

impl PriceService {
    async fn ask(&self, item: &str) -> Result<u32, PriceError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match (item, call) {
            ("unicorn", _) => Err(PriceError::Unknown),
            ("outage", _) | (_, 0 | 2) => Err(PriceError::Busy),
            (_, 1) => std::future::pending().await,
            _ => Ok(120),
        }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}
