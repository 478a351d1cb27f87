// A budget that is none.
//~ `10` is not a path
//~ write `budget = none`

use resilience::retry;

#[retry(budget = 10)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
