//! `#[circuit_breaker]`: a warehouse goes down, is left alone, and comes back.
//!
//! ```sh
//! cargo run --example circuit_breaker
//! ```

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use resilience::{CircuitBreaker, CircuitState, Error, circuit_breaker};

/// One breaker for all that talks to the warehouse.
static WAREHOUSE: CircuitBreaker = CircuitBreaker::named("warehouse")
    .failure_threshold(3)
    .open_for(Duration::from_millis(300))
    .success_threshold(2);

/// That something is sold out is an answer; that nobody answers is a failure.
#[circuit_breaker(WAREHOUSE, failure_on = StockError::Unreachable)]
async fn stock(warehouse: &Warehouse, item: &str) -> Result<u32, StockError> {
    warehouse.stock(item).await
}

#[circuit_breaker(WAREHOUSE, failure_on = StockError::Unreachable)]
async fn reserve(warehouse: &Warehouse, item: &str) -> Result<(), StockError> {
    match warehouse.stock(item).await? {
        0 => Err(StockError::SoldOut),
        _ => Ok(()),
    }
}

#[tokio::main]
async fn main() {
    let warehouse = Warehouse::default();

    // Ten times sold out: the warehouse works.
    for _ in 0..10 {
        assert!(matches!(
            reserve(&warehouse, "unicorn").await,
            Err(StockError::SoldOut)
        ));
    }
    println!("sold out ten times: {:?}", WAREHOUSE.state());
    assert_eq!(WAREHOUSE.state(), CircuitState::Closed);

    // It goes down. Three calls find that out, the others are refused without asking.
    warehouse.is_down.store(true, Ordering::Relaxed);
    let before = warehouse.calls();
    let mut refused = 0;
    for _ in 0..50 {
        if let Err(StockError::Resilience(error @ Error::CircuitOpen { .. })) =
            stock(&warehouse, "apple").await
        {
            if refused == 0 {
                println!("down: {error}");
            }
            refused += 1;
        }
    }
    println!(
        "down: {refused} of 50 calls refused, {:?}",
        WAREHOUSE.state()
    );
    assert_eq!(refused, 47);
    assert_eq!(warehouse.calls() - before, 3);

    // The other function shares the breaker: it knows already.
    assert!(matches!(
        reserve(&warehouse, "apple").await,
        Err(StockError::Resilience(Error::CircuitOpen { .. }))
    ));

    // It comes back. After `open_for` the next calls are probes, and two good ones close the breaker.
    warehouse.is_down.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert!(stock(&warehouse, "apple").await.is_ok());
    println!("back: {:?} after one probe", WAREHOUSE.state());
    assert_eq!(WAREHOUSE.state(), CircuitState::HalfOpen);
    assert!(stock(&warehouse, "apple").await.is_ok());
    println!("back: {:?} after two", WAREHOUSE.state());
    assert_eq!(WAREHOUSE.state(), CircuitState::Closed);
}

#[derive(Debug)]
enum StockError {
    SoldOut,
    Unreachable,
    Resilience(Error),
}

impl From<Error> for StockError {
    fn from(error: Error) -> Self {
        Self::Resilience(error)
    }
}

// A breaker says what opened it, if that has a text.
impl std::fmt::Display for StockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SoldOut => f.write_str("sold out"),
            Self::Unreachable => f.write_str("nobody answers at the warehouse"),
            Self::Resilience(error) => error.fmt(f),
        }
    }
}

#[derive(Default)]
struct Warehouse {
    is_down: AtomicBool,
    calls: AtomicU32,
}

impl Warehouse {
    async fn stock(&self, item: &str) -> Result<u32, StockError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StockError::Unreachable);
        }
        Ok(if item == "unicorn" { 0 } else { 12 })
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}
