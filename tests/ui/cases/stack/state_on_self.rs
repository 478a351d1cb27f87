// A mark on `self`.
//~ `self` is never written down, and needs no `#[state]`
//~ remove it

use resilience::idempotent;

struct Shop;

impl Shop {
    #[idempotent(key = order)]
    async fn charge(#[state] &self, order: u32) -> Result<u32, std::io::Error> {
        Ok(order)
    }
}

fn main() {}
