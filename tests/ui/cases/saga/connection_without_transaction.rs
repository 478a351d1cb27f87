// A connection in a step that does not say what it is for, and in a saga.
//~ this parameter cannot stand under #[saga_step]: a connection cannot be written into the journal
//~ write `#[saga_step(tx = conn)]`, and the step's effect and record are one commit
//~ this parameter cannot stand under #[saga]: a connection cannot be written into the journal
//~ take a pool as `#[state]`, and acquire the connection in the body
//~ errors: 2

use resilience::{saga, saga_step};

struct SqliteConnection(u64);

#[saga_step(compensate = none)]
async fn step(conn: &mut SqliteConnection, id: u64) -> Result<u64, std::io::Error> {
    Ok(id + conn.0)
}

#[saga]
async fn transfer(conn: &mut SqliteConnection, id: u64) -> Result<u64, std::io::Error> {
    step(conn, id).await
}

fn main() {}
