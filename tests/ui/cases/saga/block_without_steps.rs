// A block with nothing to tell.
//~ no method in this `impl` is a #[saga] or a #[saga_step]

use resilience::saga_steps;

struct Shop;

#[saga_steps]
impl Shop {
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
