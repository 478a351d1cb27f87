// A step behind which there is no way back, with a way back.
//~ a pivot that may have had its effect is not undone
//~ remove `in_doubt`, or `pivot`

use resilience::saga_step;

#[saga_step(compensate = release, in_doubt = compensate, pivot)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
