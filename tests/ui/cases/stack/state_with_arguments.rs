// A mark with arguments.
//~ `#[state]` takes no arguments
//~ write `#[state]`

use resilience::idempotent;

#[idempotent]
async fn call(order: u32, #[state(shared)] _pool: &u8) -> Result<u32, std::io::Error> {
    Ok(order)
}

fn main() {}
