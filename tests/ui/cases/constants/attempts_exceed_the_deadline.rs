// A number that is a constant: the compiler adds up.
//~ all attempts and the longest pauses between them take longer than the timeout above #[retry] or its deadline
//~ or say `allow(attempts_exceed_deadline)`

use resilience::{retry, timeout};

const ATTEMPTS: u32 = 4;

#[retry(max_attempts = ATTEMPTS, deadline = 10s)]
#[timeout(2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
