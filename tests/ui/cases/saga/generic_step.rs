// A step whose type nobody knows after a crash.
//~ #[saga_step] cannot be generic

use resilience::saga_step;

#[saga_step(compensate = none)]
async fn step<T: Send>(value: T) -> Result<(), std::io::Error> {
    let _value = value;
    Ok(())
}

fn main() {}
