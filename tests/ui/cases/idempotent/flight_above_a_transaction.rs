// An answer that is shared before it is committed.
//~ #[single_flight] cannot stand beside `tx`: another call would have an answer that is not committed yet
//~ remove #[single_flight]

use resilience::{idempotent, single_flight};

#[single_flight(key = id)]
#[idempotent(key = id, tx = conn)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
