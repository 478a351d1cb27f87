//! `#[idempotent]`: an impatient customer clicks five times, and pays once.
//!
//! ```sh
//! cargo run --example idempotent
//! ```

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::{Error, Runtime, idempotent};
use serde::{Deserialize, Serialize};

/// The key is what the caller means: this order. The bank is no part of it.
#[idempotent(key = order.id, ttl = 24h)]
async fn pay(#[state] bank: &Bank, order: Order) -> Result<Receipt, PayError> {
    bank.charge(order.cents).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    // In memory, for the example; `sqlite://shop.db` survives the process.
    let runtime = Runtime::open("memory:").await?;
    let bank = Arc::new(Bank::default());

    let order = Order {
        id: 7,
        cents: 1_999,
    };
    let clicks: Vec<_> = (0..5)
        .map(|_| {
            let (bank, order) = (Arc::clone(&bank), order.clone());
            tokio::spawn(async move { pay(&bank, order).await })
        })
        .collect();
    for click in clicks {
        let receipt = click.await??;
        println!("order 7: receipt {}", receipt.number);
        assert_eq!(receipt.number, 1);
    }
    assert_eq!(bank.charged.load(Ordering::Relaxed), 1);

    // The same key for something else is a mistake of the caller, and charges nothing.
    let other = pay(&bank, Order { id: 7, cents: 5 }).await;
    if let Err(PayError(error)) = &other {
        println!("order 7, again: {error}");
    }
    assert!(matches!(other, Err(PayError(Error::KeyReused { .. }))));
    assert_eq!(bank.charged.load(Ordering::Relaxed), 1);

    runtime.shutdown().await;
    Ok(())
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: u64,
    cents: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    number: u32,
}

#[derive(Debug)]
struct PayError(Error);

impl From<Error> for PayError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for PayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for PayError {}

#[derive(Default)]
struct Bank {
    charged: AtomicU32,
}

impl Bank {
    async fn charge(&self, _cents: u32) -> Result<Receipt, PayError> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let number = self.charged.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Receipt { number })
    }
}
