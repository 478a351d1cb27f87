// A compensation that takes the step's parameters in another order, and no output.
//~ takes 2 arguments but 3 arguments were supplied

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
