// A compensation whose failure nobody can read.
//~ a compensation returns `Result<(), E>`

use resilience::saga_step;

#[saga_step(compensate = release)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

#[derive(Debug)]
struct Silent;

async fn release(_id: u64, _output: &u64) -> Result<(), Silent> {
    Ok(())
}

fn main() {}
