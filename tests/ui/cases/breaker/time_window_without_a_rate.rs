// A window of time that nothing is taken over.
//~ a window without a rate: failures in a row need none

use resilience::circuit_breaker;

#[circuit_breaker(failure_threshold = 3, time_window = 10s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
