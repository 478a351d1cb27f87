// A wait that is a constant, longer than the results are kept by default.
//~ `wait` is longer than the result is kept, which is `ttl`

use resilience::idempotent;

const WAIT: std::time::Duration = std::time::Duration::from_secs(90_000);

#[idempotent(key = id, wait = WAIT)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
