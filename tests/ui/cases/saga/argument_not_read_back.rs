// An argument can be written into the journal and not read back.
//~ argument of type `Order` cannot be read back from the journal
//~ derive `serde::Deserialize` for it

use resilience::saga_step;

#[derive(serde::Serialize)]
struct Order;

#[saga_step(compensate = undo)]
async fn step(_order: &Order) -> Result<u64, std::io::Error> {
    Ok(1)
}

async fn undo(_order: &Order, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
