// A step below a policy.
//~ #[saga_step] stands below #[retry]
//~ move #[saga_step] to the top

use resilience::{retry, saga_step};

#[retry]
#[saga_step(compensate = none)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
