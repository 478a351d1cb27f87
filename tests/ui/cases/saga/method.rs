// A saga that is a method.
//~ #[saga] on a method needs `#[saga_steps]` on its `impl`

use resilience::saga;

struct Shop;

impl Shop {
    #[saga]
    async fn checkout(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
