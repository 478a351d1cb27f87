// States that have no type of their own: a trait, a slice.
//~ errors: 2
//~ this parameter cannot stand under #[saga_step]
//~ write `&Arc<dyn Mail>`
//~ write `&Vec<u8>`

use resilience::{saga, saga_step};

trait Mail: Send + Sync {}

#[saga_step(compensate = none)]
async fn send(#[state] mail: &dyn Mail, order: u64) -> Result<u64, std::io::Error> {
    let _mail = mail;
    Ok(order)
}

#[saga]
async fn checkout(#[state] key: &[u8], order: u64) -> Result<u64, std::io::Error> {
    let _key = key;
    Ok(order)
}

fn main() {}
