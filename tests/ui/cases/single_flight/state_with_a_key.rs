// Where the key is written down nothing else is read.
//~ `#[state]` means nothing here

use resilience::single_flight;

#[single_flight(key = id)]
async fn call(#[state] _pool: &u8, id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
