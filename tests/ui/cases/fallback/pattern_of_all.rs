// A name alone is a pattern that matches everything.
//~ the pattern `busy` matches every error
//~ write the pattern that is meant

use resilience::fallback;

#[fallback(value = (), on = busy)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
