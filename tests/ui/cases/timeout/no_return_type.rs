// No return type.
//~ `call` returns no `Result`

use resilience::timeout;

#[timeout(2s)]
async fn call() {}

fn main() {}
