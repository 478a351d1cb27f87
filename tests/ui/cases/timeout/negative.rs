// A negative time.
//~ `timeout` cannot be negative

use resilience::timeout;

#[timeout(-2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
