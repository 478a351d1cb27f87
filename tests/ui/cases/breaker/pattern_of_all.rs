// A name alone is a pattern that matches everything.
//~ the pattern `fatal` matches every error

use resilience::circuit_breaker;

#[circuit_breaker(failure_on = fatal)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
