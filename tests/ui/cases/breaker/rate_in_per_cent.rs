// A rate in per cent.
//~ `failure_rate` is more than 0 and at most 1
//~ write `failure_rate = 0.5`

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = 50)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
