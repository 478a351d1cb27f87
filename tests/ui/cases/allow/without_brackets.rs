// A rule without brackets.
//~ `allow` takes rules in brackets
//~ write `allow(rule)`

use resilience::retry;

#[retry(allow = retry_opens_breaker)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
