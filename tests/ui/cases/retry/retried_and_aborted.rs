// Nothing is left to retry.
//~ nothing is ever retried: `retry_on` and `abort_on` are the same pattern
//~ keep one of them

use resilience::retry;

enum Failure {
    Busy,
}

#[retry(retry_on = Failure::Busy, abort_on = Failure::Busy)]
async fn call() -> Result<(), Failure> {
    Err(Failure::Busy)
}

fn main() {}
