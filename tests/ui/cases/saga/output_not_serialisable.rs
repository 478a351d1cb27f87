// An output that cannot be journaled.
//~ `Receipt` cannot be kept in a store

use resilience::saga_step;

struct Receipt;

#[saga_step(compensate = none)]
async fn step(id: u64) -> Result<Receipt, std::io::Error> {
    let _id = id;
    Ok(Receipt)
}

fn main() {}
