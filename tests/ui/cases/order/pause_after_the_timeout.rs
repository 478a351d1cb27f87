// A pause that outlives the timeout.
//~ nothing is ever retried: the first pause is at least 1s, and the timeout above is 1s
//~ shorten the pause, or allow more time

use resilience::{retry, timeout};

#[timeout(1s)]
#[retry(backoff = exponential(2s), jitter = equal)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
