// Two sayings of which saga it is.
//~ `id` and `key` both say which saga a call asks for

use resilience::saga;

#[saga(id = id, key = id)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
