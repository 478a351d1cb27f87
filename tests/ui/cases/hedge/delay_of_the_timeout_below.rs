// A hedge that never starts beside an attempt that is cut off.
//~ no hedge ever starts: `delay` is 1s, and the timeout below is 1s

use resilience::{hedge, timeout};

#[hedge(delay = 1s, allow(hedge_without_idempotency))]
#[timeout(1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
