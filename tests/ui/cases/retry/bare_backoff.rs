// A backoff that is only a time.
//~ `100ms` is not a backoff
//~ write `fixed(100ms)` or `exponential(100ms)`

use resilience::retry;

#[retry(backoff = 100ms)]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
