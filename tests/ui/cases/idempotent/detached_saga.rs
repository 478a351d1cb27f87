// A saga needs no task of its own.
//~ a saga goes on without its caller anyway
//~ remove `detach`

use resilience::{idempotent, saga};

#[idempotent(key = id, detach)]
#[saga]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
