// A word that takes no value.
//~ `detach` takes no value
//~ write `detach`, or leave it out

use resilience::idempotent;

#[idempotent(key = id, detach = true)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
