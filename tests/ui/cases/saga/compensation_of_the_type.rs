// A compensation that does not take the output.
//~ `release` cannot compensate `reserve`
//~ write `async fn release(&self, id: u64, output: &u64) -> Result<(), E>`

use resilience::{saga_step, saga_steps};

struct Shop;

#[saga_steps]
impl Shop {
    #[saga_step(compensate = release)]
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }

    async fn release(&self, _id: u64) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
