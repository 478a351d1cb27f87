// A static that is not there.
//~ cannot find value `READS` in this scope

use resilience::hedge;

#[hedge(READS, allow(hedge_without_idempotency))]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
