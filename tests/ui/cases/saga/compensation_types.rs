// A compensation that takes something else.
//~ mismatched types

use resilience::saga_step;

#[saga_step(compensate = release)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &str) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
