// A lease that is a constant: the compiler adds up.
//~ all attempts and the longest pauses between them take longer than the lease above #[retry]
//~ or say `allow(outlasts_lease)`

use resilience::{locked, retry, timeout};

const LEASE: std::time::Duration = std::time::Duration::from_secs(10);

#[locked(key = id, lease = LEASE)]
#[retry(deadline = 20s)]
#[timeout(2s)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
