// A breaker that is open for a constant.
//~ #[retry] would wait for the circuit breaker for longer than the timeout above it or its deadline

use std::time::Duration;

use resilience::{circuit_breaker, retry, timeout};

const OPEN_FOR: Duration = Duration::from_secs(25);

#[timeout(20s)]
#[retry]
#[circuit_breaker(open_for = OPEN_FOR)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
