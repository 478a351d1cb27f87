// How often to ask nobody.
//~ `probe_every` without a probe
//~ write `probe = is_up` beside it

use resilience::circuit_breaker;

#[circuit_breaker(probe_every = 5s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
