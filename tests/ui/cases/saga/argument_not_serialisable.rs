// An argument that cannot be journaled.
//~ argument of type `Warehouse` cannot be written into the journal
//~ mark the parameter `#[state]`

use resilience::saga_step;

#[derive(Clone, serde::Deserialize)]
struct Warehouse;

#[saga_step(compensate = none)]
async fn step(warehouse: &Warehouse, id: u64) -> Result<u64, std::io::Error> {
    let _warehouse = warehouse;
    Ok(id)
}

fn main() {}
