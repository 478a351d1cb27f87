// Two windows.
//~ a breaker has one window: of calls or of time
//~ keep `count_window` or `time_window`

use resilience::circuit_breaker;

#[circuit_breaker(failure_rate = 0.5, count_window = 100, time_window = 10s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
