// A delay that is a constant.
//~ no hedge ever starts: `delay` is not shorter than the timeout above or below #[hedge]

use std::time::Duration;

use resilience::{hedge, timeout};

const DELAY: Duration = Duration::from_secs(2);

#[timeout(1s)]
#[hedge(delay = DELAY, allow(hedge_without_idempotency))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
