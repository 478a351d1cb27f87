// One call that shuts out all others.
//~ one call opens the circuit breaker: 5 attempts, and `failure_threshold` is 5
//~ raise `failure_threshold` above 5, or make fewer attempts, or say `allow(retry_opens_breaker)`

use resilience::{circuit_breaker, retry};

#[retry(max_attempts = 5)]
#[circuit_breaker]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
