// Two methods of one name in the journal.
//~ two steps of this `impl` have the same name in the journal

use resilience::{saga_step, saga_steps};

struct Shop;

#[saga_steps]
impl Shop {
    #[saga_step(compensate = none, name = "reserve")]
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }

    #[saga_step(compensate = none, name = "reserve")]
    async fn reserve_again(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
