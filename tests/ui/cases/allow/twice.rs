// A rule that is allowed twice.
//~ `hedge_without_idempotency` is allowed twice
//~ keep one

use resilience::{hedge, timeout};

#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
#[timeout(1s, allow(hedge_without_idempotency))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
