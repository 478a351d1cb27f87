// A time that grows to less.
//~ `max` is below the first time of 30s
//~ raise it, or start lower

use resilience::circuit_breaker;

#[circuit_breaker(open_for = exponential(30s, max = 10s))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
