// An option that does not exist.
//~ errors: 1
//~ #[retry] has no option `max_atempts`
//~ did you mean `max_attempts`?

use resilience::retry;

#[retry(max_atempts = 3)]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
