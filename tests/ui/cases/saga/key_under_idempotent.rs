// A key under another one.
//~ `key` and #[idempotent] both say which saga a call asks for
//~ remove `key`, or remove #[idempotent]

use resilience::{idempotent, saga};

#[idempotent(key = id)]
#[saga(key = id)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
