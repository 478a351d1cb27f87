// A saga that hides its failure from itself.
//~ #[fallback] hides the failure of the saga above it
//~ allow(saga_takes_fallback)

use resilience::{fallback, saga};

#[saga]
#[fallback(value = 0)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
