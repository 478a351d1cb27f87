// More calls than the window holds where it is not given.
//~ `minimum_calls` of 200 can never be reached: the window holds 100 calls

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = 0.5, minimum_calls = 200)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
