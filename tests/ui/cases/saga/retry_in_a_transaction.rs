// Another attempt in a transaction that has failed.
//~ #[retry] tries again in a transaction that has failed
//~ a step that is `retriable` is begun anew
//~ allow(retry_in_transaction)

use resilience::{retry, saga_step};

struct Connection;

#[saga_step(compensate = none, tx = conn)]
#[retry]
async fn step(conn: &mut Connection, id: u64) -> Result<u64, std::io::Error> {
    let _conn = conn;
    Ok(id)
}

fn main() {}
