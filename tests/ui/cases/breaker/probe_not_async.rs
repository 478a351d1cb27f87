// A probe that is not async.
//~ is not a future

use resilience::circuit_breaker;

fn is_up() -> bool {
    true
}

#[circuit_breaker(probe = is_up)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
