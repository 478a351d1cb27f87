// A time that would become shorter.
//~ `factor` below 1 would make the times shorter and shorter

use resilience::circuit_breaker;

#[circuit_breaker(open_for = exponential(30s, factor = 0.5))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
