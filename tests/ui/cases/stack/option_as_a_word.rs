// The name of an option alone.
//~ `max_attempts` has no value
//~ write `max_attempts = ..`

use resilience::retry;

#[retry(max_attempts)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
