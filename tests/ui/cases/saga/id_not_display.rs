// An id that has no text.
//~ doesn't implement

use resilience::saga;

#[derive(serde::Serialize, serde::Deserialize)]
struct Order;

#[saga(id = order)]
async fn checkout(order: Order) -> Result<u64, std::io::Error> {
    let _order = order;
    Ok(1)
}

fn main() {}
