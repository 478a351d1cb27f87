// A compensation that knows no doubt.
//~ `release` cannot compensate `step`
//~ write `async fn release(id: u64, output: Option<&u64>) -> Result<(), E>`

use resilience::saga_step;

#[saga_step(compensate = release, in_doubt = compensate)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
