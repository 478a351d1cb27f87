// An option that does not exist.
//~ #[circuit_breaker] has no option `failure_treshold`
//~ did you mean `failure_threshold`?

use resilience::circuit_breaker;

#[circuit_breaker(failure_treshold = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
