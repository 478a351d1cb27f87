// A time without a unit.
//~ `1` has no unit
//~ write `1ms` or `1s`

use resilience::rate_limit;

#[rate_limit(rate = 10, per = 1)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
