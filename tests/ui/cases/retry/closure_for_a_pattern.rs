// A closure where a pattern is wanted.
//~ `retry_on` is a pattern, and this is a closure

use resilience::retry;

#[retry(max_attempts = 3, retry_on = |error| error.is_busy())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
