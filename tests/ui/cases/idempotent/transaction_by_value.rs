// The connection is needed after the body.
//~ `tx` needs a connection that is borrowed mutably
//~ write `conn: &mut PgConnection`, or `&mut Transaction<'_, Postgres>`

use resilience::idempotent;

#[idempotent(key = id, tx = conn)]
async fn call(conn: u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
