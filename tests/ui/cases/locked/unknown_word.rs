// What happens without a store is one of two words.
//~ `when_unavailable` cannot be `fail`
//~ there is `run` and `refuse`

use resilience::locked;

#[locked(key = id, when_unavailable = fail)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
