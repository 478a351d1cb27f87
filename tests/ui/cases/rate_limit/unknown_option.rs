// An option that does not exist.
//~ #[rate_limit] has no option `brust`
//~ did you mean `burst`?

use resilience::rate_limit;

#[rate_limit(rate = 10, brust = 20)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
