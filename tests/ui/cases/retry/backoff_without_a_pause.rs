// A backoff that begins nowhere.
//~ `exponential(..)` needs a pause
//~ write `exponential(100ms)`

use resilience::retry;

#[retry(backoff = exponential())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
