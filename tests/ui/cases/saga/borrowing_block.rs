// Methods of a type that borrows.
//~ #[saga_steps] needs a type of its own that borrows nothing

use resilience::{saga_step, saga_steps};

struct Shop<'a>(&'a str);

#[saga_steps]
impl Shop<'_> {
    #[saga_step(compensate = none)]
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
