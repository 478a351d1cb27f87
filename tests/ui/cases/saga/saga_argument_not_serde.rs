// An argument of a saga that can be neither journaled nor read back.
//~ argument of type `Order` cannot be kept in the journal
//~ mark the parameter `#[state]`

use resilience::saga;

struct Order;

#[saga]
async fn checkout(order: &Order, urgent: bool) -> Result<bool, std::io::Error> {
    let _order = order;
    Ok(urgent)
}

fn main() {}
