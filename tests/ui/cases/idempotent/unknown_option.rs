// An option that is written a little differently.
//~ #[idempotent] has no option `max_results`
//~ did you mean `max_result`?

use resilience::idempotent;

#[idempotent(key = id, max_results = 1mb)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
