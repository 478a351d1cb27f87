//! `#[fallback]`: while the exchange is down, yesterday's price is better than none.
//!
//! ```sh
//! cargo run --example fallback
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use resilience::{circuit_breaker, fallback, retry};

#[derive(Default)]
struct Prices {
    exchange: Exchange,
    cache: Mutex<HashMap<String, u32>>,
}

impl Prices {
    /// Live, or else as it was: when all attempts have failed, and when the breaker is open. That
    /// there is no such share is an answer, and stays one.
    #[fallback(Self::last_known, on = PriceError::Unreachable | PriceError::Resilience(_))]
    #[retry(max_attempts = 2, backoff = fixed(1ms), retry_on = PriceError::Unreachable)]
    #[circuit_breaker(name = "exchange", failure_on = PriceError::Unreachable, failure_threshold = 4)]
    async fn price(&self, share: String) -> Result<Price, PriceError> {
        let cents = self.exchange.ask(&share).await?;
        self.cache().insert(share, cents);
        Ok(Price::Live(cents))
    }

    /// The parameters of `price`, then its error. What is not in the cache fails after all.
    async fn last_known(&self, share: String, error: PriceError) -> Result<Price, PriceError> {
        self.cache()
            .get(&share)
            .map(|cents| Price::Old(*cents))
            .ok_or(error)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() {
    let prices = Prices::default();
    let ask = |share: &str| prices.price(share.to_owned());

    let live = ask("ACME").await;
    println!("open:   ACME {live:?}");
    assert!(matches!(live, Ok(Price::Live(4_200))));
    let unknown = ask("unicorn").await;
    println!("open:   unicorn {unknown:?}");
    assert!(matches!(unknown, Err(PriceError::Unknown)));

    prices.exchange.is_down.store(true, Ordering::Relaxed);
    let before = prices.exchange.calls.load(Ordering::Relaxed);
    for _ in 0..5 {
        let old = ask("ACME").await;
        println!("outage: ACME {old:?}");
        assert!(matches!(old, Ok(Price::Old(4_200))));
    }
    let never_seen = ask("INIT").await;
    println!("outage: INIT {never_seen:?}");
    assert!(matches!(never_seen, Err(PriceError::Resilience(_))));

    // The breaker opened at the fourth failure: the others did not ask at all.
    let asked = prices.exchange.calls.load(Ordering::Relaxed) - before;
    println!("outage: {asked} attempts reached the exchange");
    assert_eq!(asked, 4);
}

#[derive(Debug)]
enum Price {
    Live(u32),
    Old(u32),
}

#[derive(Debug)]
enum PriceError {
    Unreachable,
    Unknown,
    #[expect(dead_code, reason = "it is printed")]
    Resilience(resilience::Error),
}

impl From<resilience::Error> for PriceError {
    fn from(error: resilience::Error) -> Self {
        Self::Resilience(error)
    }
}

#[derive(Default)]
struct Exchange {
    is_down: AtomicBool,
    calls: AtomicU32,
}

impl Exchange {
    async fn ask(&self, share: &str) -> Result<u32, PriceError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match share {
            _ if self.is_down.load(Ordering::Relaxed) => Err(PriceError::Unreachable),
            "ACME" => Ok(4_200),
            _ => Err(PriceError::Unknown),
        }
    }
}
