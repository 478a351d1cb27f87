// An argument that can be neither journaled nor read back.
//~ argument of type `Warehouse` cannot be kept in the journal
//~ mark the parameter `#[state]`

use resilience::saga_step;

struct Warehouse;

#[saga_step(compensate = release)]
async fn reserve(warehouse: &Warehouse, order: u64) -> Result<u64, std::io::Error> {
    let _warehouse = warehouse;
    Ok(order)
}

async fn release(_warehouse: &Warehouse, _order: u64, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
