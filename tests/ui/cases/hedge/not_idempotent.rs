// Two attempts at once of a function that may not be run twice.
//~ #[hedge] runs the body a second time while the first may still have its effect
//~ say that running twice is safe: `allow(hedge_without_idempotency)`, or remove #[hedge]

use resilience::hedge;

#[hedge(delay = 50ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
