// The connection is a parameter.
//~ `tx` names no parameter of this function: `con`
//~ did you mean `conn`?

use resilience::idempotent;

#[idempotent(key = id, tx = con)]
async fn call(conn: &mut u8, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
