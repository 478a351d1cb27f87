// A key is needed once more where the function is attempted once more.

use resilience::{hedge, idempotent, retry, timeout};

#[timeout(9s)]
#[retry(backoff = fixed(1ms))]
#[idempotent(key = number)]
async fn retried(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

#[idempotent]
#[hedge(delay = 1s, allow(hedge_without_idempotency))]
async fn hedged(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

async fn all() {
    let _ = (retried(1).await, hedged(1).await);
}

fn main() {
    let _calls = all();
}
