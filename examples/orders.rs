//! Orders that run in the background: started, looked at, cancelled, started in a transaction, and one that an operator
//! has to repair.
//!
//! ```text
//! $ cargo run --example orders
//! order 1 is started twice
//!   order 1 is charge 1, collected
//! order 2 is rolled back, order 3 is committed
//!   order 3 is charge 2, collected
//! order 4 is for tomorrow, and cancelled today
//!   so far: charge came to "order 4 is charge 3"
//!   refunded: order 4 is charge 3
//!   saga `fulfil` (5143afe3-c2f1-811a-b03c-46bacfcc812a) was cancelled and was undone; its audit says by whom
//! order 5 has no carrier, and the bank takes nothing back
//!   saga `fulfil` (a1695510-4235-863b-83aa-6a2563743bf7) failed (no carrier collects it), and step `charge` could not be undone; dead letter 1 holds what is left to do
//!   dead letter 1: the bank is down
//!   refunded: order 5 is charge 4
//!   retried by ada (the customer called): Settled
//! completed: 2
//! compensated: 2
//! ```

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use resilience::saga::SagaHandle;
use resilience::{DeadLetterStatus, Error, Operator, Runtime, SagaId, StoreError, saga, saga_step};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// One saga per order, whoever starts it again.
#[saga(key = order)]
async fn fulfil(#[state] shop: &Shop, order: u64, days: u32) -> Result<String, OrderError> {
    let payment = charge(shop, order).await?;
    // Until the day of the delivery; the process may be restarted meanwhile.
    saga::sleep(DAY * days).await;
    let parcel = hand_over(order).await?;
    Ok(format!("{payment}, {parcel}"))
}

/// The bank charges once for each key, however often the step is run.
#[saga_step(compensate = refund, compensate_attempts = 2)]
async fn charge(#[state] shop: &Shop, order: u64) -> Result<String, OrderError> {
    shop.bank.charge(order, saga::idempotency_key()).await
}

async fn refund(shop: &Shop, _order: u64, payment: &str) -> Result<(), OrderError> {
    shop.bank.refund(payment).await
}

#[saga_step(compensate = none)]
async fn hand_over(order: u64) -> Result<String, OrderError> {
    if order == 5 {
        return Err(OrderError::NoCarrier);
    }
    Ok("collected".to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("orders.db");
    let shop = Shop::default();
    let runtime = Runtime::builder(format!("sqlite://{}", file.display()))
        .state(shop.clone())
        .open()
        .await?;

    // `start` answers as soon as the order is durable; a second start of it is the same saga.
    println!("order 1 is started twice");
    let handle = saga::start(fulfil(&shop, 1, 0)).await?;
    let again = saga::start(fulfil(&shop, 1, 0)).await?;
    assert_eq!(handle.id(), again.id());
    println!("  {}", handle.result().await?);

    // With a row of the shop's own: both or neither.
    println!("order 2 is rolled back, order 3 is committed");
    let database = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&file)).await?;
    sqlx::query("CREATE TABLE orders (number INTEGER)")
        .execute(&database)
        .await?;
    let mut transaction = database.begin().await?;
    place(&mut transaction, &shop, 2).await?;
    transaction.rollback().await?;
    let mut transaction = database.begin().await?;
    let handle = place(&mut transaction, &shop, 3).await?;
    transaction.commit().await?;
    println!("  {}", handle.result().await?);
    database.close().await;

    println!("order 4 is for tomorrow, and cancelled today");
    let handle = saga::start(fulfil(&shop, 4, 1)).await?;
    println!("  so far: {}", first_step(&runtime, handle.id()).await?);
    let ada = Operator::named("ada").because("the customer called");
    handle.cancel(ada.clone()).await?;
    println!("  {}", failure(handle.result().await));

    println!("order 5 has no carrier, and the bank takes nothing back");
    shop.bank.is_down.store(true, Ordering::Relaxed);
    println!("  {}", failure(fulfil(&shop, 5, 0).await));
    let letters = runtime.dead_letters();
    for letter in letters.list(DeadLetterStatus::Open, None, 100).await? {
        println!("  dead letter {}: {}", letter.id, letter.work.error);
        shop.bank.is_down.store(false, Ordering::Relaxed);
        let retried = letters.retry(letter.id, ada.clone()).await?;
        println!("  retried by {ada}: {retried:?}");
    }

    for (status, count) in runtime.sagas().counts().await? {
        println!("{}: {count}", status.as_str());
    }
    runtime.shutdown().await;
    Ok(())
}

/// A row of the shop's own and the start of its saga, in one transaction.
async fn place(
    transaction: &mut SqliteConnection,
    shop: &Shop,
    order: u32,
) -> Result<SagaHandle<String, OrderError>, Box<dyn StdError>> {
    let row = sqlx::query("INSERT INTO orders VALUES ($1)").bind(order);
    row.execute(&mut *transaction).await?;
    Ok(saga::start_in(transaction, fulfil(shop, order.into(), 0)).await?)
}

/// Waits for it in the journal, which every process can read.
async fn first_step(runtime: &Runtime, saga: &SagaId) -> Result<String, StoreError> {
    loop {
        let record = runtime.sagas().get(saga).await?;
        if let Some(step) = record.iter().flat_map(|record| &record.steps).next() {
            let output = step.output.as_deref().unwrap_or("nothing");
            return Ok(format!("{} came to {output}", step.step));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn failure(result: Result<String, OrderError>) -> String {
    result.map_or_else(|error| error.to_string(), |done| format!("done: {done}"))
}

/// With a JSON form, so that the journal can keep what went wrong.
#[derive(Debug, Serialize, Deserialize)]
enum OrderError {
    BankIsDown,
    NoCarrier,
    #[serde(skip)]
    Resilience(Error),
}

impl From<Error> for OrderError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BankIsDown => f.write_str("the bank is down"),
            Self::NoCarrier => f.write_str("no carrier collects it"),
            Self::Resilience(error) => error.fmt(f),
        }
    }
}

impl StdError for OrderError {}

/// What the steps work with; a cheap handle.
#[derive(Clone, Default)]
struct Shop {
    bank: Arc<Bank>,
}

/// Belongs to somebody else.
#[derive(Default)]
struct Bank {
    is_down: AtomicBool,
    keys: Mutex<BTreeSet<Option<String>>>,
}

impl Bank {
    async fn charge(&self, order: u64, key: Option<String>) -> Result<String, OrderError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key);
        Ok(format!("order {order} is charge {}", keys.len()))
    }

    async fn refund(&self, payment: &str) -> Result<(), OrderError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(OrderError::BankIsDown);
        }
        println!("  refunded: {payment}");
        Ok(())
    }
}
