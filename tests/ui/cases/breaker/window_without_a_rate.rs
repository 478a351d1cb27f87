// A window that nothing is taken over.
//~ a window without a rate: failures in a row need none
//~ write `failure_rate = 0.5` beside it

use resilience::circuit_breaker;

#[circuit_breaker(count_window = 100)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
