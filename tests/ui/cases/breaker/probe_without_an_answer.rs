// A probe that does not say whether it is up.
//~ to be a future that resolves to `bool`, but it resolves to `()`

use resilience::circuit_breaker;

async fn is_up() {}

#[circuit_breaker(probe = is_up)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
