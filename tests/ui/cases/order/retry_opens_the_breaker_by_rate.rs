// One call that fills the window.
//~ one call opens the circuit breaker: 4 attempts, and `minimum_calls` is 4

use resilience::{circuit_breaker, retry};

#[retry]
#[circuit_breaker(failure_rate = 0.5, minimum_calls = 4)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
