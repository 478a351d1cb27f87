// A name without a letter.
//~ `name` is empty

use resilience::circuit_breaker;

#[circuit_breaker(name = "")]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
