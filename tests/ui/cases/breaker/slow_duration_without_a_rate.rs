// Slow calls that open nothing.
//~ `slow_call_duration` without a rate: slow calls would open nothing
//~ write `slow_call_rate = 0.5` beside it

use resilience::circuit_breaker;

#[circuit_breaker(slow_call_duration = 2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
