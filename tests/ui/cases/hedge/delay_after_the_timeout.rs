// A hedge that never starts.
//~ no hedge ever starts: `delay` is 2s, and the timeout above is 1s
//~ lower `delay`

use resilience::{hedge, timeout};

#[timeout(1s)]
#[hedge(delay = 2s, allow(hedge_without_idempotency))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
