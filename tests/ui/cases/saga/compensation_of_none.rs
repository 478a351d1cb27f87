// `None` is not the word `none`.
//~ write `compensate = none`

use resilience::saga_step;

#[saga_step(compensate = None)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
