// Nobody knows what is slow.
//~ `slow_call_rate` without a duration: nothing says which calls are slow
//~ write `slow_call_duration = 2s` beside it

use resilience::circuit_breaker;

#[circuit_breaker(slow_call_rate = 0.5)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
