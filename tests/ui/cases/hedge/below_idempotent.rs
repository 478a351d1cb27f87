// One execution per key, in which the body runs twice.
//~ #[hedge] runs the body a second time while the first may still have its effect

use resilience::{hedge, idempotent};

#[idempotent(key = number)]
#[hedge(delay = 50ms)]
async fn call(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

fn main() {}
