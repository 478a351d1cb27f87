// A saga whose steps would be taken beside themselves.
//~ #[hedge] below #[saga] would take every step beside itself
//~ put #[hedge] on the steps

use resilience::{hedge, saga};

#[saga]
#[hedge(delay = 50ms)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
