// A deadline that never comes.
//~ `deadline` of 3s is never reached: the timeout above is 2s
//~ lower it, or leave it out

use resilience::{retry, timeout};

#[timeout(2s)]
#[retry(backoff = fixed(100ms), deadline = 3s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
