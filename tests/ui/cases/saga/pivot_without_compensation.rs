// A pivot that says nothing about being undone.
//~ #[saga_step] needs a compensation

use resilience::saga_step;

#[saga_step(pivot)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
