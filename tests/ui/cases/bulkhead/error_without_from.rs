// An error type that cannot carry the failure of a policy.
//~ `Failure` cannot

use resilience::bulkhead;

#[derive(Debug)]
struct Failure;

#[bulkhead]
async fn call() -> Result<(), Failure> {
    Err(Failure)
}

fn main() {}
