// A connection that no step can be taken on.
//~ trait bounds were not satisfied
//~ `Connection: StepConnection`

use resilience::saga_step;

struct Connection;

#[saga_step(compensate = none, tx = conn)]
async fn step(conn: &mut Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
