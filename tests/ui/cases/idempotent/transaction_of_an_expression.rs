// The connection is named, and not computed.
//~ `self.conn` is not a path
//~ write the name of the parameter that is the connection: `tx = conn`

use resilience::idempotent;

#[idempotent(key = id, tx = self.conn)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
