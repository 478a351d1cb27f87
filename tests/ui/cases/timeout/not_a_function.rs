// Something that is not a function.
//~ #[timeout] is for an `async fn` with a body

use resilience::timeout;

#[timeout(2s)]
pub struct Call;

fn main() {}
