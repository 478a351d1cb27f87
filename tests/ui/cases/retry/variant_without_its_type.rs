// A variant whose type was forgotten would match every error.
//~ pattern binding `Busy` is named the same as one of the variants of the type `Failure`

use resilience::retry;

#[allow(dead_code)]
enum Failure {
    Busy,
    Gone,
}

#[allow(unused_variables, non_snake_case)]
#[retry(max_attempts = 3, retry_on = Busy)]
async fn call() -> Result<(), Failure> {
    Err(Failure::Gone)
}

fn main() {}
