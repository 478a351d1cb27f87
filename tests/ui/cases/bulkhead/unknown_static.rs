// A static that is not there.
//~ cannot find value `PLACES` in this scope

use resilience::bulkhead;

#[bulkhead(PLACES)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
