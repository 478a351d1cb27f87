//! `#[single_flight]`: a hundred requests ask for one quote, and the exchange is asked once.
//!
//! ```sh
//! cargo run --example single_flight
//! ```

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{Error, single_flight};

/// Nothing is kept: a call that comes after the answer asks again.
#[single_flight]
async fn quote(#[state] exchange: &Exchange, symbol: &str) -> Result<u32, QuoteError> {
    exchange.ask(symbol).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let exchange = Arc::new(Exchange::default());

    let requests: Vec<_> = (0..100)
        .map(|_| {
            let exchange = Arc::clone(&exchange);
            tokio::spawn(async move { quote(&exchange, "ACME").await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await??, 4);
    }
    let asked = exchange.asked.swap(0, Ordering::Relaxed);
    println!("100 requests, and the exchange was asked {asked} time");
    assert_eq!(asked, 1);

    // Another symbol is another flight; the same one, later, is a new one.
    let (one, other) = tokio::join!(quote(&exchange, "ACME"), quote(&exchange, "BOLT"));
    println!("ACME {}, BOLT {}", one?, other?);
    assert_eq!(exchange.asked.load(Ordering::Relaxed), 2);
    Ok(())
}

/// `Clone`: every request that joined gets the error, too.
#[derive(Debug, Clone)]
struct QuoteError(Arc<Error>);

impl From<Error> for QuoteError {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl std::fmt::Display for QuoteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for QuoteError {}

#[derive(Default)]
struct Exchange {
    asked: AtomicU32,
}

impl Exchange {
    async fn ask(&self, symbol: &str) -> Result<u32, QuoteError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(u32::try_from(symbol.len()).unwrap_or(u32::MAX))
    }
}
