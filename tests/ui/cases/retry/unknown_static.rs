// A static that is not there.
//~ cannot find value `STANDARD` in this scope

use resilience::retry;

#[retry(STANDARD)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
