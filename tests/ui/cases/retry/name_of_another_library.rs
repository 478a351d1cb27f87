// An option that other libraries call so.
//~ #[retry] has no option `max_retries`

use resilience::retry;

#[retry(max_retries = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
