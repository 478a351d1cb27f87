// A lock writes no arguments down.
//~ `#[state]` means nothing here: no attribute on this function keeps its arguments

use resilience::locked;

#[locked(key = id)]
async fn call(#[state] _pool: &u8, id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
