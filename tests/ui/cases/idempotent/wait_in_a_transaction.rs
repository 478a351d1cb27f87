// A duplicate of a transaction waits in the database, whose settings say for how long.
//~ `wait` means nothing with `tx`: a duplicate waits in the database, as long as that lets it
//~ remove `wait`, and set `lock_timeout` (PostgreSQL) or `busy_timeout` (SQLite)

use resilience::idempotent;

#[idempotent(key = id, tx = conn, wait = 2s)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
