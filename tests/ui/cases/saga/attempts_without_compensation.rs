// Attempts of no compensation.
//~ a step without a compensation has no attempts of one
//~ errors: 2

use resilience::saga_step;

#[saga_step(compensate = none, compensate_attempts = 3, compensate_timeout = 1s)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
