// A connection that is borrowed as it should be, under another name.
//~ `tx` names no parameter of this function: `con`
//~ did you mean `conn`?
//~ errors: 1

use resilience::saga_step;

struct SqliteConnection(u64);

#[saga_step(compensate = none, tx = con)]
async fn step(conn: &mut SqliteConnection, id: u64) -> Result<u64, std::io::Error> {
    Ok(id + conn.0)
}

fn main() {}
