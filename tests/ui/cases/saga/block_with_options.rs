// A block that is told something.
//~ #[saga_steps] takes no options

use resilience::{saga_step, saga_steps};

struct Shop;

#[saga_steps(name = "shop")]
impl Shop {
    #[saga_step(compensate = none)]
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
