// A compensation that takes more than the step has.
//~ takes 3 arguments but 2 arguments were supplied

use resilience::saga_step;

#[saga_step(compensate = release)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64, _reason: &str) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
