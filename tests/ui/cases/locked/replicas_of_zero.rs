// No replica is no option.
//~ `replicas` must be at least 1

use resilience::locked;

#[locked(key = id, replicas = 0)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
