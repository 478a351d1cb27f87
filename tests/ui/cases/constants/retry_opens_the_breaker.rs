// A threshold that is a constant.
//~ one call opens the circuit breaker: its attempts are as many as the failures that open it
//~ or say `allow(retry_opens_breaker)`

use resilience::{circuit_breaker, retry};

const THRESHOLD: u32 = 4;

#[retry]
#[circuit_breaker(failure_threshold = THRESHOLD)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
