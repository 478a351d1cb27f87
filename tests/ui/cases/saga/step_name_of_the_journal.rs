// A name of a step that belongs to the journal.
//~ names that begin with `saga::` belong to the journal itself

use resilience::saga_step;

#[saga_step(compensate = none, name = "saga::sleep")]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
