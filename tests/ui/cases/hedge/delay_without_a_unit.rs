// A time without a unit.
//~ `50` has no unit
//~ write `50ms` or `50s`

use resilience::hedge;

#[hedge(delay = 50)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
