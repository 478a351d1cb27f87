// A function that does not say how long.
//~ mismatched types

use resilience::retry;

fn pause(attempt: u32) -> u32 {
    attempt
}

#[retry(backoff = custom(pause))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
