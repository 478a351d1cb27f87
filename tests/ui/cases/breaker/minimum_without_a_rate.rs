// A minimum that nothing needs.
//~ `minimum_calls` without a rate: failures in a row need no minimum

use resilience::circuit_breaker;

#[circuit_breaker(minimum_calls = 10)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
