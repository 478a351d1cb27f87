// A connection that no step can be taken on.
//~ `Connection` is no connection that a step can be taken on
//~ `&mut PgConnection` or `&mut SqliteConnection`

use resilience::saga_step;

struct Connection;

#[saga_step(compensate = none, tx = conn)]
async fn step(conn: &mut Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
