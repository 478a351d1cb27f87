// A backoff that does not exist.
//~ `exponental(1s)` is not a backoff
//~ did you mean `exponential`?

use resilience::retry;

#[retry(backoff = exponental(1s))]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
