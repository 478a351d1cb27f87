// Attempts that go on for longer than the lock is granted.
//~ the attempts of #[retry] take up to 15s, and the lease of #[locked] is 10s
//~ lengthen `lease`, or make fewer attempts, or say `allow(outlasts_lease)`

use resilience::{locked, retry, timeout};

#[locked(key = id, lease = 10s)]
#[retry]
#[timeout(2s)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
