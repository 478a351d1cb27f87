// A saga is many transactions.
//~ #[saga] cannot stand beside `tx`: the steps of a saga are committed one by one
//~ remove `tx`

use resilience::{idempotent, saga};

#[idempotent(key = id, tx = conn)]
#[saga]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
