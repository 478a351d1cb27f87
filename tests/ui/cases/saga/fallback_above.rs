// A fallback for a saga that goes on.
//~ #[fallback] cannot stand above #[saga]

use resilience::{fallback, saga};

#[fallback(value = 0)]
#[saga]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
