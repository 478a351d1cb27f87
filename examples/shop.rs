//! The example of the README, whole: an order is checked out once, or not at all.
//!
//! ```sh
//! cargo run --example shop
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use resilience::{Error, Runtime, circuit_breaker, idempotent, retry, saga, saga_step, timeout};
use serde::{Deserialize, Serialize};

#[saga_step(compensate = release)]
#[retry(
    max_attempts = 4,
    backoff = exponential(1ms, factor = 2, max = 30s),
    retry_on = ShopError::Busy | ShopError::Resilience(Error::TimedOut { .. })
)]
#[circuit_breaker(name = "warehouse", failure_threshold = 5, open_for = 60s)]
#[timeout(2s)]
async fn reserve(#[state] warehouse: &Warehouse, order: &Order) -> Result<Reservation, ShopError> {
    warehouse.reserve(order).await
}

// Undoes `reserve`. It takes the parameters of the step, then what the step returned.
async fn release(
    warehouse: &Warehouse,
    _order: &Order,
    held: &Reservation,
) -> Result<(), ShopError> {
    warehouse.release(held).await
}

#[saga_step(compensate = none)]
#[timeout(2s)]
async fn charge(
    #[state] payments: &Payments,
    order: &Order,
    _held: &Reservation,
) -> Result<Receipt, ShopError> {
    payments.charge(order).await
}

#[idempotent(key = order.id, ttl = 24h)]
#[saga]
async fn checkout(#[state] shop: &Shop, order: Order) -> Result<Receipt, ShopError> {
    let held = reserve(&shop.warehouse, &order).await?;
    charge(&shop.payments, &order, &held).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shop = Shop::default();
    let runtime = Runtime::builder("memory:")
        .state(shop.clone())
        .state(shop.warehouse.clone())
        .state(shop.payments.clone())
        .open()
        .await?;

    // Impatient customers click five times; the warehouse is busy at first.
    let order = Order { id: 7, amount: 120 };
    let clicks = (0..5).map(|_| {
        let (shop, order) = (shop.clone(), order.clone());
        tokio::spawn(async move { checkout(&shop, order).await })
    });
    for click in clicks.collect::<Vec<_>>() {
        println!("order 7: {:?}", click.await??);
    }

    // This one cannot be paid: what was reserved for it is released.
    let refused = checkout(
        &shop,
        Order {
            id: 8,
            amount: 1_000_000,
        },
    )
    .await;
    println!("order 8: {refused:?}");

    println!(
        "charged {} time(s)",
        shop.payments.charged.load(Ordering::Relaxed)
    );
    println!("still reserved: {:?}", shop.warehouse.reserved());
    runtime.shutdown().await;
    Ok(())
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: u64,
    amount: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reservation {
    order: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Receipt {
    number: u32,
}

#[derive(Debug)]
enum ShopError {
    Busy,
    Declined { amount: u32 },
    Resilience(Error),
}

impl From<Error> for ShopError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
    }
}

impl std::fmt::Display for ShopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("the warehouse is busy"),
            Self::Declined { amount } => write!(f, "the bank declined {amount}"),
            Self::Resilience(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ShopError {}

/// Everything that the shop works with; a cheap handle.
#[derive(Clone, Default)]
struct Shop {
    warehouse: Warehouse,
    payments: Payments,
}

#[derive(Clone, Default)]
struct Warehouse {
    calls: Arc<AtomicU32>,
    reserved: Arc<Mutex<Vec<Reservation>>>,
}

impl Warehouse {
    async fn reserve(&self, order: &Order) -> Result<Reservation, ShopError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(ShopError::Busy);
        }
        let reservation = Reservation { order: order.id };
        self.lock().push(reservation.clone());
        Ok(reservation)
    }

    async fn release(&self, held: &Reservation) -> Result<(), ShopError> {
        self.lock().retain(|reservation| reservation != held);
        Ok(())
    }

    fn reserved(&self) -> Vec<Reservation> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Reservation>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Default)]
struct Payments {
    charged: Arc<AtomicU32>,
}

impl Payments {
    async fn charge(&self, order: &Order) -> Result<Receipt, ShopError> {
        if order.amount > 10_000 {
            return Err(ShopError::Declined {
                amount: order.amount,
            });
        }
        Ok(Receipt {
            number: self.charged.fetch_add(1, Ordering::Relaxed) + 1,
        })
    }
}
