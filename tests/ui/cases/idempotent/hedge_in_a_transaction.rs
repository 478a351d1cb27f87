// Two attempts, and one connection.
//~ #[hedge] cannot stand beside `tx`: two attempts at once cannot share its connection
//~ remove #[hedge]

use resilience::{hedge, idempotent};

#[idempotent(key = id, tx = conn)]
#[hedge(delay = 50ms)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
