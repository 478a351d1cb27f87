// A call that joins itself is refused.
//~ `Failure`
//~ From<resilience::Error>

use resilience::single_flight;

#[derive(Clone)]
struct Failure;

#[single_flight]
async fn call(id: u64) -> Result<u64, Failure> {
    Ok(id)
}

fn main() {}
