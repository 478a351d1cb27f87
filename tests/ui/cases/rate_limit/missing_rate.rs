// A limit that limits nothing.
//~ #[rate_limit] needs a rate
//~ write `#[rate_limit(rate = 100, per = 1s)]`

use resilience::rate_limit;

#[rate_limit]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
