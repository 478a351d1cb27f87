// A step that changes what it is called on.
//~ this `self` cannot stand under #[saga_step]
//~ write `&self`

use resilience::{saga_step, saga_steps};

struct Shop;

#[saga_steps]
impl Shop {
    #[saga_step(compensate = none)]
    async fn reserve(&mut self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
