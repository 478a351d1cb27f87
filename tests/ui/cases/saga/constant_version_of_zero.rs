// A version before the first, as a constant.
//~ `version` must be 1 at least
//~ errors: 2

use resilience::saga;

const VERSION: u32 = 0;

#[saga(version = VERSION)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
