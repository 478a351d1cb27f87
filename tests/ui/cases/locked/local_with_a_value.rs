// A word that takes no value.
//~ `local` takes no value

use resilience::locked;

#[locked(local = true, key = id)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
