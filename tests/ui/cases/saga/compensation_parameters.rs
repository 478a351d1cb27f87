// A compensation that does not take the step's parameters and its output.
//~ takes 1 argument but 2 arguments were supplied

use resilience::saga_step;

#[saga_step(compensate = release)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
