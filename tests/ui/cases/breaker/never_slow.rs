// A call that is cut off before it is slow.
//~ no call is ever slow: `slow_call_duration` is 2s, and the timeout below is 1s
//~ lower it

use resilience::{circuit_breaker, timeout};

#[circuit_breaker(slow_call_duration = 2s, slow_call_rate = 0.5)]
#[timeout(1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
