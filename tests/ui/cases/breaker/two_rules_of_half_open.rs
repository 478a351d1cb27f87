// Two rules that close it.
//~ `half_open_success_rate` and `success_threshold` are two rules for the same
//~ keep one

use resilience::circuit_breaker;

#[circuit_breaker(half_open_success_rate = 0.5, success_threshold = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
