// A word that is said twice.
//~ `pivot` is given twice

use resilience::saga_step;

#[saga_step(compensate = none, pivot, pivot)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
