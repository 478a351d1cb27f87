// Two bodies inside of one lock.
//~ #[hedge] runs two bodies inside of one #[locked], which is there to have one at a time
//~ remove #[hedge], or say `allow(order)`

use resilience::{hedge, locked};

#[locked(key = id)]
#[hedge(delay = 50ms)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
