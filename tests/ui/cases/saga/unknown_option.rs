// An option of a saga that is misspelt.
//~ #[saga] has no option `timout`
//~ did you mean `timeout`?

use resilience::saga;

#[saga(timout = 1h)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
