// A saga that may never run.
//~ `max_concurrent` must be at least 1

use resilience::saga;

#[saga(max_concurrent = 0)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
