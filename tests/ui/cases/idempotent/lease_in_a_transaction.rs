// The database holds the key of a transaction, and needs no lease.
//~ there is no lease in a transaction: the database holds the key until it ends
//~ remove `lease`

use resilience::idempotent;

#[idempotent(key = id, tx = conn, lease = 30s)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
