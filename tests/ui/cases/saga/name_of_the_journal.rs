// A name that belongs to the journal.
//~ names that begin with `saga::` belong to the journal itself
//~ write another, such as `now`

use resilience::saga;

#[saga(name = "saga::now")]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
