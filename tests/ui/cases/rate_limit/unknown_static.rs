// A static that is not there.
//~ cannot find value `API` in this scope

use resilience::rate_limit;

#[rate_limit(API)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
