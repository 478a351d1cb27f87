// A time of nothing.
//~ `timeout` must be longer than zero

use resilience::timeout;

#[timeout(0s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
