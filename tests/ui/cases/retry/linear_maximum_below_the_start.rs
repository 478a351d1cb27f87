// Pauses that grow to less, step by step.
//~ `max` is below the first pause of 5s

use resilience::retry;

#[retry(backoff = linear(5s, step = 1s, max = 1s))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
