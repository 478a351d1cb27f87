// A budget that is not there.
//~ cannot find value `BUDGET` in this scope

use resilience::retry;

#[retry(budget = BUDGET)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
