// A name that is not a string.
//~ `name` is a string literal
//~ write `name = "warehouse"`

use resilience::circuit_breaker;

#[circuit_breaker(name = warehouse)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
