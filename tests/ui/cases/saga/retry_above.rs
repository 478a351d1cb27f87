// A retry that would start another saga.
//~ #[retry] cannot stand above #[saga]

use resilience::{retry, saga};

#[retry]
#[saga]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
