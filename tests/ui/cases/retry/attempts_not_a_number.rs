// A number in quotes.
//~ `max_attempts` is a whole number
//~ write it without quotes

use resilience::retry;

#[retry(max_attempts = "3")]
async fn call() -> Result<(), u8> {
    Ok(())
}

fn main() {}
