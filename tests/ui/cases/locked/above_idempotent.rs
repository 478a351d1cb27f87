// A stored result needs no lock.
//~ #[locked] above #[idempotent] makes a stored result wait for the lock
//~ move #[locked] below #[idempotent], or say `allow(order)`

use resilience::{idempotent, locked};

#[locked(key = id)]
#[idempotent(key = id)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
