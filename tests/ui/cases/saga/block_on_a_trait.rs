// A trait, which has no value to call methods on.
//~ #[saga_steps] is for an `impl` block

use resilience::saga_steps;

#[saga_steps]
pub trait Stock {
    fn reserve(&self, id: u64) -> u64;
}

fn main() {}
