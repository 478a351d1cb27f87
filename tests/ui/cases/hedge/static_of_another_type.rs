// A static of another type.
//~ mismatched types

use resilience::hedge;

static READS: u32 = 1;

#[hedge(READS, allow(hedge_without_idempotency))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
