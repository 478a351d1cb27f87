// A deadline that is a constant.
//~ `deadline` is never reached: it is longer than the timeout above #[retry]

use std::time::Duration;

use resilience::{retry, timeout};

const DEADLINE: Duration = Duration::from_secs(3);

#[timeout(2s)]
#[retry(backoff = fixed(100ms), deadline = DEADLINE)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
