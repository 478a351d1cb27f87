// A saga whose steps would be taken again.
//~ #[retry] below #[saga] would take every step again

use resilience::{retry, saga};

#[saga]
#[retry]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
