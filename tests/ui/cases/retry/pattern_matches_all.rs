// A name alone is a pattern that matches everything.
//~ the pattern `is_busy` matches every error
//~ write `when = is_busy`

use resilience::retry;

fn is_busy(error: &u8) -> bool {
    *error == 1
}

#[retry(retry_on = is_busy)]
async fn call() -> Result<(), u8> {
    Err(u8::from(is_busy(&1)))
}

fn main() {}
