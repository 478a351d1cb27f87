// A budget that is none.
//~ `10` is not a path
//~ write `budget = none`

use resilience::hedge;

#[hedge(delay = 50ms, budget = 10)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
