// A rate below zero.
//~ `failure_rate` is more than 0 and at most 1

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = -0.5)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
