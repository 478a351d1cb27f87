// A step begins its transaction itself.
//~ `tx` of a step needs a connection, on which it begins a transaction
//~ write `conn: &mut PgConnection`, or `&mut SqliteConnection`

mod sqlx {
    pub struct Transaction<'a>(pub &'a u64);
}

use resilience::saga_step;

#[saga_step(compensate = none, tx = conn)]
async fn step(conn: &mut sqlx::Transaction<'_>, id: u64) -> Result<u64, std::io::Error> {
    Ok(id + *conn.0)
}

fn main() {}
