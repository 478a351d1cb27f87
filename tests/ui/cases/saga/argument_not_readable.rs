// An argument that cannot be read back.
//~ argument of type `Order` cannot be kept in the journal
//~ derive `serde::Serialize` and `serde::Deserialize` for it

use resilience::saga;

#[derive(serde::Serialize)]
struct Order;

#[saga]
async fn checkout(order: Order) -> Result<u64, std::io::Error> {
    let _order = order;
    Ok(1)
}

fn main() {}
