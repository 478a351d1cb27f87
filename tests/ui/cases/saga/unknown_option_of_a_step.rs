// An option of a step that is misspelt.
//~ #[saga_step] has no option `compensate_atempts`
//~ did you mean `compensate_attempts`?

use resilience::saga_step;

#[saga_step(compensate = release, compensate_atempts = 3)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
