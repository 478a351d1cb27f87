// A version before the first.
//~ `version` must be at least 1

use resilience::saga;

#[saga(version = 0)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
