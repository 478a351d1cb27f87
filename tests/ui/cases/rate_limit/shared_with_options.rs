// Options beside the path of a static.
//~ a shared rate limit has its options where it is defined

use resilience::rate_limit;

#[rate_limit(API, burst = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
