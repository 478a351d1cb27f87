// A static of another type.
//~ mismatched types

use resilience::retry;

static STANDARD: u32 = 1;

#[retry(STANDARD)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
