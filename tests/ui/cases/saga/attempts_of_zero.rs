// A compensation that is never tried.
//~ `compensate_attempts` must be at least 1

use resilience::saga_step;

#[saga_step(compensate = release, compensate_attempts = 0)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
