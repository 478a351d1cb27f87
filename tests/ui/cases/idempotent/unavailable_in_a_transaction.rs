// Without its database a transaction cannot run.
//~ `when_unavailable` means nothing with `tx`: without its database the transaction cannot run
//~ remove `when_unavailable`

use resilience::idempotent;

#[idempotent(key = id, tx = conn, when_unavailable = run)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
