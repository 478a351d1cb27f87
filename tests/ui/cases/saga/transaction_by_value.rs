// A connection that is not lent for writing.
//~ `tx` needs a connection that is borrowed mutably
//~ `&mut SqliteConnection`

use resilience::saga_step;

struct Connection;

#[saga_step(compensate = none, tx = conn)]
async fn step(conn: &Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
