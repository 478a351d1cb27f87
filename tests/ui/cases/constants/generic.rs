// A generic function that nobody calls.
//~ no hedge ever starts

use std::time::Duration;

use resilience::{hedge, timeout};

const LIMIT: Duration = Duration::from_secs(1);

#[timeout(LIMIT)]
#[hedge(delay = 2s, allow(hedge_without_idempotency))]
async fn call<T: Clone>(value: T) -> Result<T, std::io::Error> {
    Ok(value)
}

fn main() {}
