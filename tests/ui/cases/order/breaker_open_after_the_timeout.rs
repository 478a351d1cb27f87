// A breaker that opens for longer than the retry may wait.
//~ #[retry] would wait 25s for the circuit breaker, and the timeout above is 20s
//~ lower `open_for`

use resilience::{circuit_breaker, retry, timeout};

#[timeout(20s)]
#[retry]
#[circuit_breaker(open_for = 25s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
