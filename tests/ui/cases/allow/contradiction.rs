// What can never work cannot be allowed.
//~ there is no rule `deadline_after_timeout` to allow
//~ `deadline` of 3s is never reached
//~ errors: 2

use resilience::{retry, timeout};

#[timeout(2s)]
#[retry(backoff = fixed(1ms), deadline = 3s, allow(deadline_after_timeout))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
