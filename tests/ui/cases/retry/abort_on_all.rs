// A name alone is a pattern that matches everything.
//~ the pattern `fatal` matches every error

use resilience::retry;

#[retry(abort_on = fatal)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
