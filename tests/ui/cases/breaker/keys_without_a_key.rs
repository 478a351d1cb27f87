// A bound of keys where there is one breaker.
//~ `max_keys` without a key: there is one breaker
//~ write `key = ..` beside it

use resilience::circuit_breaker;

#[circuit_breaker(max_keys = 10)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
