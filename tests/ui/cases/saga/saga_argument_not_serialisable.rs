// An argument of a saga that cannot be journaled.
//~ argument of type `Order` cannot be kept in the journal
//~ derive `serde::Serialize` and `serde::Deserialize` for it

use resilience::saga;

#[derive(serde::Deserialize)]
struct Order;

#[saga]
async fn checkout(order: Order) -> Result<u64, std::io::Error> {
    let _order = order;
    Ok(1)
}

fn main() {}
