// A function that is not async.
//~ #[timeout] needs an `async fn`

use resilience::timeout;

#[timeout(2s)]
fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
