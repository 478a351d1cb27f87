// A connection that is not a name.
//~ is no parameter

use resilience::saga_step;

struct Connection;

#[saga_step(compensate = none, tx = pool::conn)]
async fn step(conn: &mut Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
