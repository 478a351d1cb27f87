// A mark that means nothing.
//~ `#[state]` means nothing here

use resilience::retry;

#[retry]
async fn call(#[state] _pool: &u8) -> Result<(), ()> {
    Ok(())
}

fn main() {}
