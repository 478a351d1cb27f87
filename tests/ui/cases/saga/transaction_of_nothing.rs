// A connection that is no parameter.
//~ `tx` names no parameter of this function: `con`
//~ did you mean `conn`?

use resilience::saga_step;

struct Connection;

#[saga_step(compensate = none, tx = con)]
async fn step(#[state] conn: &Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
