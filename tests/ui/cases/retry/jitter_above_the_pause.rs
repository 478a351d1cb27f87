// More taken off than there is.
//~ `jitter` of 2s is more than the first pause of 1s
//~ lower it, or write `jitter = full`

use resilience::retry;

#[retry(backoff = fixed(1s), jitter = 2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
