// A transaction belongs to its caller.
//~ `detach` and `tx` exclude each other: a transaction belongs to its caller
//~ remove `detach`

use resilience::idempotent;

#[idempotent(key = id, tx = conn, detach)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    *conn += 1;
    Ok(id)
}

fn main() {}
