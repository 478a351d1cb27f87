// A value that is not of the success type.
//~ mismatched types

use resilience::fallback;

#[fallback(value = "none")]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
