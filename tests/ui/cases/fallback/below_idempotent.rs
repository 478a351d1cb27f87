// An answer of a bad time that is kept for a good one.
//~ #[idempotent] stores the answer of the #[fallback] below it, and repeats it
//~ or say `allow(idempotent_stores_fallback)`

use resilience::{fallback, idempotent};

#[idempotent(key = 1)]
#[fallback(value = ())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
