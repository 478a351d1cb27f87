// A saga whose error cannot carry what the runtime has to say.
//~ From<resilience::Error>

use resilience::saga;

#[derive(Debug)]
struct Failure;

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

#[saga]
async fn checkout(id: u64) -> Result<u64, Failure> {
    Ok(id)
}

fn main() {}
