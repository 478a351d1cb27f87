// A second attempt that waits for the first.
//~ #[hedge] can never help: the #[idempotent] below it makes the second attempt wait for the first
//~ move #[idempotent] above #[hedge], or remove #[hedge]

use resilience::{hedge, idempotent};

#[hedge(delay = 50ms)]
#[idempotent(key = number)]
async fn call(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

fn main() {}
