// A breaker that would never close.
//~ `failure_threshold` must be at least 1

use resilience::circuit_breaker;

#[circuit_breaker(failure_threshold = 0)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
