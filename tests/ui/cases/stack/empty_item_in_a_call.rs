// An empty item inside a call.
//~ there is nothing before this comma in `exponential(..)`

use resilience::retry;

#[retry(backoff = exponential(1s,, max = 3s))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
