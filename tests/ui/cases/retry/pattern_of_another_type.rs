// A pattern that is not of the error type.
//~ mismatched types

use resilience::retry;

enum Mine {
    Busy,
}

enum Other {
    Busy,
}

#[retry(retry_on = Other::Busy)]
async fn call() -> Result<(), Mine> {
    Err(Mine::Busy)
}

fn main() {}
