// More successes than probes.
//~ `success_threshold` of 5 can never be reached: half-open admits 3 calls

use resilience::circuit_breaker;

#[circuit_breaker(half_open_permits = 3, success_threshold = 5)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
