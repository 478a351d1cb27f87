// A hedge that would start another saga.
//~ #[hedge] cannot stand above #[saga]

use resilience::{hedge, saga};

#[hedge(delay = 50ms)]
#[saga]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
