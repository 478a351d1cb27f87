// A lock can refuse a call.
//~ `Failure`
//~ From<resilience::Error>

use resilience::locked;

struct Failure;

#[locked]
async fn call() -> Result<(), Failure> {
    Ok(())
}

fn main() {}
