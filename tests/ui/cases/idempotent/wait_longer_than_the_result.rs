// The two times were taken for each other.
//~ `wait` of 3600s is longer than the result is kept: `ttl` is 5s
//~ lower `wait`, or keep results for longer

use resilience::idempotent;

#[idempotent(key = id, ttl = 5s, wait = 1h)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
