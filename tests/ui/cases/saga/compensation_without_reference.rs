// A compensation that wants the output for itself.
//~ `release` cannot compensate `reserve`
//~ write `async fn release(order: u64, output: &Reservation) -> Result<(), E>`, with an `E` that is `Display`

use resilience::saga_step;

#[derive(serde::Serialize, serde::Deserialize)]
struct Reservation;

#[saga_step(compensate = release)]
async fn reserve(order: u64) -> Result<Reservation, std::io::Error> {
    let _order = order;
    Ok(Reservation)
}

async fn release(_order: u64, _output: Reservation) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
