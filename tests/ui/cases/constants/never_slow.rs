// A timeout that ends every call before it is slow.
//~ no call is ever slow: `slow_call_duration` is longer than the timeout

use std::time::Duration;

use resilience::{circuit_breaker, timeout};

const SLOW: Duration = Duration::from_secs(2);

#[circuit_breaker(slow_call_rate = 0.5, slow_call_duration = SLOW)]
#[timeout(1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
