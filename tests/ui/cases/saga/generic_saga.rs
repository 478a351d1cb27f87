// A saga whose type nobody knows after a crash.
//~ #[saga] cannot be generic

use resilience::saga;

#[saga]
async fn checkout<const N: usize>(id: u64) -> Result<u64, std::io::Error> {
    Ok(id + N as u64)
}

fn main() {}
