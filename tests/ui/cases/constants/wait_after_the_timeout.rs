// A wait that is a constant, and a timeout above.
//~ `wait` is never over: it is longer than the timeout above

use resilience::{locked, timeout};

const WAIT: std::time::Duration = std::time::Duration::from_secs(5);

#[timeout(2s)]
#[locked(key = id, wait = WAIT)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
