// A word without a value, misspelt.
//~ #[idempotent] does not take `detatch`
//~ did you mean `detach`?

use resilience::idempotent;

#[idempotent(key = id, detatch)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
