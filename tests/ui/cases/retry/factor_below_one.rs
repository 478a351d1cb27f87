// Pauses that would become shorter.
//~ `factor` below 1 would make the pauses shorter and shorter

use resilience::retry;

#[retry(backoff = exponential(1s, factor = 0.5))]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
