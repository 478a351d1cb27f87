// A step that hides its failure from its saga.
//~ #[fallback] hides the failure of the step above it
//~ allow(saga_takes_fallback)

use resilience::{fallback, saga_step};

#[saga_step(compensate = none)]
#[fallback(value = 0)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
