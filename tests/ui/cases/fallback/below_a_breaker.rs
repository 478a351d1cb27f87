// A fallback that hides every failure from a breaker.
//~ #[fallback] hides every failure from the #[circuit_breaker] above it

use resilience::{circuit_breaker, fallback};

#[circuit_breaker]
#[fallback(value = ())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
