// A step that cannot fail.
//~ `u64` is not a `Result`

use resilience::saga_step;

#[saga_step(compensate = none)]
async fn step(id: u64) -> u64 {
    id
}

fn main() {}
