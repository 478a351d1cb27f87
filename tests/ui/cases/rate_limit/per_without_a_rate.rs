// A time, and no rate.
//~ #[rate_limit] needs a rate

use resilience::rate_limit;

#[rate_limit(per = 1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
