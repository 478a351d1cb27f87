// An argument that cannot be read back.
//~ `Order: serde::de::DeserializeOwned` is not satisfied

use resilience::saga;

#[derive(serde::Serialize)]
struct Order;

#[saga]
async fn checkout(order: Order) -> Result<u64, std::io::Error> {
    let _order = order;
    Ok(1)
}

fn main() {}
