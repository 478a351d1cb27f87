// Chance on top of chance.
//~ `decorrelated(..)` is random by itself and takes no `jitter`
//~ leave `jitter` out

use resilience::retry;

#[retry(backoff = decorrelated(1s), jitter = full)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
