// A rule in quotes.
//~ `allow(..)` takes the names of rules

use resilience::retry;

#[retry(allow("retry_opens_breaker"))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
