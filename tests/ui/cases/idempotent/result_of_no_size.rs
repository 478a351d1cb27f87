// A size in the unit of somebody else.
//~ `KiB` is not a unit of bytes
//~ write `64kb`

use resilience::idempotent;

#[idempotent(key = id, max_result = 64KiB)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
