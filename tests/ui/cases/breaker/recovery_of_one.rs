// A recovery that lets all calls through.
//~ `recovery` of 1 lets all calls through at once
//~ leave it out

use resilience::circuit_breaker;

#[circuit_breaker(recovery = 1)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
