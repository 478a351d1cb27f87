// The last attempts have no time: one timeout is of each attempt, and one of all of them.
//~ all attempts take up to 4 × 2s + 7s of pauses = 15s, and the timeout above is 10s
//~ allow more time, or make fewer attempts, or say `allow(attempts_exceed_deadline)`

use resilience::{retry, timeout};

#[timeout(10s)]
#[retry]
#[timeout(2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
