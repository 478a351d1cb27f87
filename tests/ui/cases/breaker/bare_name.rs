// A name without `name =`.
//~ `"db"` is not a path

use resilience::circuit_breaker;

#[circuit_breaker("db")]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
