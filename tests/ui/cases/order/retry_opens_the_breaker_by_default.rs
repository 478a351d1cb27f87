// One call that shuts out all others, by what is not written.
//~ one call opens the circuit breaker: 4 attempts, and `failure_threshold` is 3
//~ raise `failure_threshold` above 4

use resilience::{circuit_breaker, retry};

#[retry]
#[circuit_breaker(failure_threshold = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
