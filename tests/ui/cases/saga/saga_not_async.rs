// A saga that is not async.
//~ #[saga] needs an `async fn`

use resilience::saga;

#[saga]
fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
