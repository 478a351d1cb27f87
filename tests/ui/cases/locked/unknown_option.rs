// An option of another attribute.
//~ #[locked] has no option `ttl`
//~ did you mean `lease`?

use resilience::locked;

#[locked(key = id, ttl = 30s)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
