// No time at all.
//~ `deadline` must be longer than zero
//~ write a time such as `1s`

use resilience::retry;

#[retry(deadline = 0s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
