// Another attempt where the transaction has failed.
//~ #[retry] tries again in a transaction that has failed: PostgreSQL refuses all that follows
//~ move #[retry] to the function that begins the transaction, or say `allow(retry_in_transaction)`

use resilience::{idempotent, retry};

#[idempotent(key = id, tx = conn)]
#[retry]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
