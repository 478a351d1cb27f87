// Nothing tells one call from another.
//~ #[single_flight] has nothing to make a key of
//~ write `#[single_flight(key = ..)]`

use resilience::single_flight;

#[single_flight]
async fn call(#[state] _pool: &u8) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
