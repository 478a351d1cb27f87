// A static of another type.
//~ mismatched types

use resilience::circuit_breaker;

static PLACES: u32 = 1;

#[circuit_breaker(PLACES)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
