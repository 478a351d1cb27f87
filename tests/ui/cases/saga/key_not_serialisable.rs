// A key that cannot be written down.
//~ Serialize

use resilience::saga;

struct Kind;

const KIND: Kind = Kind;

#[saga(key = KIND)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
