// A word that is misspelt.
//~ #[saga_step] does not take `pivott`
//~ did you mean `pivot`?

use resilience::saga_step;

#[saga_step(compensate = none, pivott)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
