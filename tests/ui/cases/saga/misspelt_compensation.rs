// A compensation under a name that it does not have.
//~ #[saga_step] has no option `compensat`
//~ did you mean `compensate`?

use resilience::saga_step;

#[saga_step(compensat = none)]
async fn call() -> Result<u32, std::io::Error> {
    Ok(1)
}

fn main() {}
