// An option that a backoff does not have.
//~ `exponential(..)` has no option `step`

use resilience::retry;

#[retry(backoff = exponential(1s, step = 2s))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
