// A rate with a sign for per cent.
//~ `failure_rate` is a share, not per cent
//~ write it from 0 to 1

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = 50%)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
