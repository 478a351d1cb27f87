// The pauses alone are longer than the timeout.
//~ 4 attempts make up to 7s of pauses, and the timeout above is 5s
//~ or say `allow(attempts_exceed_deadline)`

use resilience::{retry, timeout};

#[timeout(5s)]
#[retry]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
