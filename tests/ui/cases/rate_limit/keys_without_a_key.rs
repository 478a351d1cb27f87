// A bound of keys where there is one limit.
//~ `max_keys` without a key: there is one limit
//~ write `key = ..` beside it

use resilience::rate_limit;

#[rate_limit(rate = 10, max_keys = 100)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
