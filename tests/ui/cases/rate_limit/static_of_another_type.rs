// A static of another type.
//~ mismatched types

use resilience::rate_limit;

static API: u32 = 1;

#[rate_limit(API)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
