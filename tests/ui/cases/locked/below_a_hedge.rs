// A second attempt that waits for the lock of the first.
//~ #[hedge] can never help: the #[locked] below it makes the second attempt wait for the first
//~ move #[locked] above #[hedge], or remove #[hedge]

use resilience::{hedge, locked};

#[hedge(delay = 50ms)]
#[locked(key = id)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
