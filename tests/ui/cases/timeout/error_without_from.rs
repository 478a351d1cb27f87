// An error type that cannot carry a policy's failure.
//~ `Failure` cannot carry a policy
//~ impl From<resilience::Error> for Failure

use resilience::{circuit_breaker, retry, timeout};

struct Failure;

#[retry]
#[circuit_breaker]
#[timeout(2s)]
async fn call(name: String) -> Result<String, Failure> {
    Ok(name)
}

fn main() {}
