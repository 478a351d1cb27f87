// Two steps of one name.
//~ the name `two_saga_steps_are_named_reserve__give_one_another_name` is defined multiple times

use resilience::saga_step;

#[saga_step(compensate = none)]
async fn reserve(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

#[saga_step(compensate = none, name = "reserve")]
async fn reserve_again(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
