// A lease of no time.
//~ `lease` must be longer than zero

use resilience::locked;

#[locked(key = id, lease = 0s)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
