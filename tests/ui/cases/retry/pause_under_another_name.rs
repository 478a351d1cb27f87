// A pause under a name that it does not have.
//~ `exponential(..)` has no option `first`

use resilience::retry;

#[retry(backoff = exponential(first = 1s))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
