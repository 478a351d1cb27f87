// An error type that cannot carry the failure of a policy.
//~ `Failure` cannot

use resilience::rate_limit;

#[derive(Debug)]
struct Failure;

#[rate_limit(rate = 10)]
async fn call() -> Result<(), Failure> {
    Err(Failure)
}

fn main() {}
