// More calls than the window holds.
//~ `minimum_calls` of 20 can never be reached: the window holds 10 calls
//~ lower it, or raise `count_window`

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = 0.5, count_window = 10, minimum_calls = 20)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
