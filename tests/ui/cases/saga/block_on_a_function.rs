// A block that is none.
//~ #[saga_steps] is for an `impl` block

use resilience::saga_steps;

#[saga_steps]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
