// A number without a unit.
//~ `250` has no unit
//~ write `250ms` or `250s`

use resilience::timeout;

#[timeout(250)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
