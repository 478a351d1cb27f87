//! `#[saga_steps]`: a shop whose sagas and steps are methods.
//!
//! ```sh
//! cargo run --example saga_steps
//! ```

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resilience::{Runtime, saga, saga_step, saga_steps};

/// What the methods are called on, also after a crash: the runtime has one.
#[derive(Clone, Default)]
struct Shop(Arc<Mutex<BTreeMap<&'static str, u32>>>);

#[saga_steps]
impl Shop {
    #[saga(key = order)]
    async fn checkout(&self, order: u64, pieces: u32) -> Result<u32, ShopError> {
        self.reserve(order, pieces).await?;
        self.charge(order, pieces * 5).await
    }

    #[saga_step(compensate = release)]
    async fn reserve(&self, order: u64, pieces: u32) -> Result<(), ShopError> {
        println!("order {order}: {pieces} pieces are reserved");
        *self.lock().entry("reserved").or_default() += pieces;
        Ok(())
    }

    /// `&self`, the step's parameters, then its output.
    async fn release(&self, order: u64, pieces: u32, _: &()) -> Result<(), ShopError> {
        println!("order {order}: {pieces} pieces are free again");
        *self.lock().entry("reserved").or_default() -= pieces;
        Ok(())
    }

    #[saga_step(compensate = none, pivot)]
    async fn charge(&self, order: u64, amount: u32) -> Result<u32, ShopError> {
        if amount > 100 {
            return Err(ShopError(format!("order {order}: the card is declined")));
        }
        *self.lock().entry("earned").or_default() += amount;
        Ok(amount)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let shop = Shop::default();
    let runtime = Runtime::builder("memory:")
        .state(shop.clone())
        .open()
        .await?;

    println!("paid: {}", shop.checkout(1, 2).await?);
    let declined = shop.checkout(2, 50).await;
    println!("{declined:?}");
    assert!(declined.is_err());

    let counts = shop.lock().clone();
    println!("at the end: {counts:?}");
    assert_eq!(counts, BTreeMap::from([("earned", 10), ("reserved", 2)]));
    runtime.shutdown().await;
    Ok(())
}

#[derive(Debug)]
struct ShopError(String);

impl From<resilience::Error> for ShopError {
    fn from(error: resilience::Error) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for ShopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for ShopError {}

impl Shop {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
