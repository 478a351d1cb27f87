// A pause that is a constant: one error, not one more for the sum.
//~ nothing is ever retried: the first pause is not shorter than the timeout above #[retry] or its deadline

use std::time::Duration;

use resilience::{retry, timeout};

const PAUSE: Duration = Duration::from_secs(2);

#[timeout(1s)]
#[retry(backoff = fixed(PAUSE), jitter = none)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
