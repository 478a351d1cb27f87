// A compensation that is not async.
//~ `release` cannot compensate `step`
//~ a compensation is an `async fn`
//~ write `async fn release(id: u64, output: &u64) -> Result<(), E>`

use resilience::saga_step;

#[saga_step(compensate = release)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
