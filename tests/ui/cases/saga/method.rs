// A saga that is a method.
//~ #[saga] is for free functions

use resilience::saga;

struct Shop;

impl Shop {
    #[saga]
    async fn checkout(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
