// A time that grows from nothing.
//~ `exponential(..)` needs a first time
//~ write `exponential(30s, max = 10m)`

use resilience::circuit_breaker;

#[circuit_breaker(open_for = exponential(max = 10m))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
