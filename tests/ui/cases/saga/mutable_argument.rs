// A borrow that cannot be journaled.
//~ this parameter cannot stand under #[saga_step]: a `&mut` borrow cannot be written into the journal

use resilience::saga_step;

#[saga_step(compensate = none)]
async fn step(id: &mut u64) -> Result<u64, std::io::Error> {
    Ok(*id)
}

fn main() {}
