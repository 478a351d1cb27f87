// A timeout that would only lose sight of the saga.
//~ #[timeout] cannot stand above #[saga]
//~ write `#[saga(timeout = ..)]`

use resilience::{saga, timeout};

#[timeout(5s)]
#[saga]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
