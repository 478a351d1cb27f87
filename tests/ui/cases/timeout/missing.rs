// A timeout without a time.
//~ #[timeout] needs a time
//~ write `#[timeout(2s)]`

use resilience::timeout;

#[timeout]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
