// A wait that the timeout above ends.
//~ `wait` of 5s is never over: the timeout above is 2s
//~ lower it, or leave it out

use resilience::{idempotent, timeout};

#[timeout(2s)]
#[idempotent(key = id, wait = 5s)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
