// A doubt that nothing undoes.
//~ a step without a compensation cannot be compensated when in doubt

use resilience::saga_step;

#[saga_step(compensate = none, in_doubt = compensate)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
