// A colon for an equals sign.
//~ `max_attempts : 3` is not a path

use resilience::retry;

#[retry(max_attempts: 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
