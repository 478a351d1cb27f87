// One word too much.
//~ `local` is given twice

use resilience::locked;

#[locked(local, key = id, local)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
