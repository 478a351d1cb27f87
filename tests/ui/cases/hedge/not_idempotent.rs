// Two attempts at once of a function that may not be run twice.
//~ #[hedge] runs the body a second time while it may still have its effect
//~ or say `allow(hedge_without_idempotency)`

use resilience::hedge;

#[hedge(delay = 50ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
