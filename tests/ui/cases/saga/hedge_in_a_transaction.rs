// Two attempts on one connection.
//~ #[hedge] cannot stand beside `tx`

use resilience::{hedge, saga_step};

struct Connection;

#[saga_step(compensate = none, tx = conn)]
#[hedge(delay = 50ms)]
async fn step(conn: &mut Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
