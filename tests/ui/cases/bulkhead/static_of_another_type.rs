// A static of another type.
//~ mismatched types

use resilience::bulkhead;

static PLACES: u32 = 1;

#[bulkhead(PLACES)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
