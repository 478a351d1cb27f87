// A compensation that the type does not have.
//~ no function or associated item named `relase` found for struct `Shop`

use resilience::{saga_step, saga_steps};

struct Shop;

#[saga_steps]
impl Shop {
    #[saga_step(compensate = relase)]
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }

    async fn release(&self, _id: u64, _output: &u64) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
