// A rule that finds nothing.
//~ there is nothing to allow: `retry_opens_breaker` finds nothing here
//~ remove it

use resilience::{retry, timeout};

#[retry(allow(retry_opens_breaker))]
#[timeout(1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
