// The connection is no part of the key.
//~ #[idempotent] has nothing to make a key of

use resilience::idempotent;

#[idempotent(tx = conn)]
async fn call(conn: &mut u8) -> Result<u8, std::io::Error> {
    Ok(*conn)
}

fn main() {}
