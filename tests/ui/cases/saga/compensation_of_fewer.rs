// A compensation that takes the step's parameters in another order, and no output.
//~ `release` cannot compensate `step`
//~ write `async fn release(id: u64, place: String, output: &u64) -> Result<(), E>`, with an `E` that is `Display`

use resilience::saga_step;

#[saga_step(compensate = release)]
async fn step(id: u64, place: String) -> Result<u64, std::io::Error> {
    let _place = place;
    Ok(id)
}

async fn release(_place: String, _id: u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
