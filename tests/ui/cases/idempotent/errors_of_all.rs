// A function where a pattern is wanted.
//~ the pattern `is_final` matches every error
//~ such as `store_errors = Error::Busy { .. }`

use resilience::idempotent;

#[idempotent(key = id, store_errors = is_final)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
