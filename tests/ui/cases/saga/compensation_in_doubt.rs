// A compensation that knows no doubt.
//~ mismatched types
//~ Option<&u64>

use resilience::saga_step;

#[saga_step(compensate = release, in_doubt = compensate)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
