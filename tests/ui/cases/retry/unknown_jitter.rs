// A jitter that does not exist.
//~ `ful` is not a kind of jitter
//~ did you mean `full`?

use resilience::retry;

#[retry(jitter = ful)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
