// A word that takes no value.
//~ `retriable` takes no value

use resilience::saga_step;

#[saga_step(compensate = none, retriable = true)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
