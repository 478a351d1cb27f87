// Nothing is kept, so nothing is kept for a time.
//~ #[single_flight] has no option `ttl`
//~ there is `key` and `name`

use resilience::single_flight;

#[single_flight(key = id, ttl = 30s)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
