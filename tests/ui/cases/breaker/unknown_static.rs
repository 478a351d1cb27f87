// A static that does not exist.
//~ cannot find value `WAREHOUS` in this scope

use resilience::{CircuitBreaker, circuit_breaker};

static WAREHOUSE: CircuitBreaker = CircuitBreaker::named("warehouse");

#[circuit_breaker(WAREHOUS)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
