// The last attempts have no time.
//~ all attempts take up to 4 × 2s + 7s of pauses = 15s, and the deadline is 10s
//~ allow more time, or make fewer attempts, or say `allow(attempts_exceed_deadline)`

use resilience::{retry, timeout};

#[retry(max_attempts = 4, deadline = 10s)]
#[timeout(2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
