// A step that is not async.
//~ #[saga_step] needs an `async fn`

use resilience::saga_step;

#[saga_step(compensate = none)]
fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
