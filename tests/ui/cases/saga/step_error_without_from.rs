// A step whose error cannot carry what the runtime has to say.
//~ From<resilience::Error>

use resilience::saga_step;

#[derive(Debug)]
struct Failure;

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

#[saga_step(compensate = none)]
async fn step(id: u64) -> Result<u64, Failure> {
    Ok(id)
}

fn main() {}
