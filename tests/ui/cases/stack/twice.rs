// The same attribute twice.
//~ #[retry] stands twice on this function

use resilience::retry;

#[retry(max_attempts = 2)]
#[retry(max_attempts = 3)]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
