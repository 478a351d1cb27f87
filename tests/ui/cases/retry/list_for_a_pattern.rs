// A list where a pattern is wanted.
//~ `retry_on` is a pattern, and this is one of a list

use resilience::retry;

enum Failure {
    Busy,
    Reset,
}

#[retry(retry_on = [Failure::Busy, Failure::Reset])]
async fn call() -> Result<(), Failure> {
    Ok(())
}

fn main() {}
