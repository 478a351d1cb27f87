// No rule at all.
//~ `allow()` names no rule

use resilience::retry;

#[retry(allow())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
