// A rule that does not exist.
//~ there is no rule `retry_opens_braker` to allow
//~ did you mean `retry_opens_breaker`?

use resilience::retry;

#[retry(allow(retry_opens_braker))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
