// Pauses that grow to less.
//~ `max` is below the first pause of 5s
//~ raise it, or start lower

use resilience::retry;

#[retry(backoff = exponential(5s, max = 1s))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
