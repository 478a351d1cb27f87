// A rate that every call has.
//~ `failure_rate` is more than 0 and at most 1

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = 0)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
