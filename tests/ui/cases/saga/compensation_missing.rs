// A compensation that does not exist.
//~ cannot find value `relase` in this scope
//~ a function with a similar name exists

use resilience::saga_step;

#[saga_step(compensate = relase)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
