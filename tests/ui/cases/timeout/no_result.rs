// A return type that is no Result.
//~ `u32` is not a `Result`

use resilience::timeout;

#[timeout(2s)]
async fn call() -> u32 {
    1
}

fn main() {}
