// One attempt is none that is repeated.
//~ `max_attempts` of 1 never retries
//~ it counts the first call too

use resilience::retry;

#[retry(max_attempts = 1)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
