// A function that is both.
//~ a function is a saga or a step of one, not both

use resilience::{saga, saga_step};

#[saga_step(compensate = none)]
#[saga]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
