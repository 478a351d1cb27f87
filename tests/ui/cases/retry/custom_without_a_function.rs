// A backoff that nobody computes.
//~ `custom(..)` needs a function
//~ write `custom(function)`

use resilience::retry;

#[retry(backoff = custom())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
