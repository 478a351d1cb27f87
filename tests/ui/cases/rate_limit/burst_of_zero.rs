// A burst of nothing.
//~ `burst` must be at least 1
//~ write 1 or more

use resilience::rate_limit;

#[rate_limit(rate = 10, burst = 0)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
