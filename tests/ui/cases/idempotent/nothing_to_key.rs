// Nothing identifies the operation.
//~ #[idempotent] has nothing to make a key of

use resilience::idempotent;

#[idempotent]
async fn call(#[state] _pool: &u8) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
