// A state that is given away.
//~ the runtime lends `#[state]`, it does not give it away

use resilience::saga;

struct Shop;

#[saga]
async fn checkout(#[state] shop: Shop) -> Result<u64, std::io::Error> {
    let _shop = shop;
    Ok(1)
}

fn main() {}
