// A breaker that is never open.
//~ `open_for` must be longer than zero
//~ write a time such as `1s`

use resilience::circuit_breaker;

#[circuit_breaker(open_for = 0s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
