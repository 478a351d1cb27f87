// A doubt where there is none.
//~ a step with `tx` is never in doubt

use resilience::saga_step;

struct Connection;

#[saga_step(compensate = release, tx = conn, in_doubt = compensate)]
async fn step(conn: &mut Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

async fn release(_id: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
