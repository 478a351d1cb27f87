// An error type that cannot carry the failure of a policy.
//~ `Failure` cannot

use resilience::circuit_breaker;

#[derive(Debug)]
struct Failure;

#[circuit_breaker]
async fn call() -> Result<(), Failure> {
    Err(Failure)
}

fn main() {}
