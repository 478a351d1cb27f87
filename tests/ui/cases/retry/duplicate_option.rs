// An option that is given twice.
//~ `jitter` is given twice in #[retry]

use resilience::retry;

#[retry(jitter = none, jitter = full)]
async fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
