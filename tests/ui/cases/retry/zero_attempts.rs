// No attempt at all.
//~ `max_attempts` of 0 would never call the function
//~ it counts the first call too

use resilience::retry;

#[retry(max_attempts = 0)]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
