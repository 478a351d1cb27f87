// Methods of a type that nobody knows after a crash.
//~ #[saga_steps] cannot stand on a generic `impl`

use resilience::{saga_step, saga_steps};

struct Shop<D>(D);

#[saga_steps]
impl<D: Send + Sync> Shop<D> {
    #[saga_step(compensate = none)]
    async fn reserve(&self, id: u64) -> Result<u64, std::io::Error> {
        Ok(id)
    }
}

fn main() {}
