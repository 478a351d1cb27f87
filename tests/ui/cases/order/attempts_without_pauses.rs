// The attempts alone are longer than the deadline.
//~ all attempts take up to 6 × 2s = 12s, and the deadline is 10s

use resilience::{retry, timeout};

#[retry(max_attempts = 6, backoff = fixed(0s), deadline = 10s)]
#[timeout(2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
