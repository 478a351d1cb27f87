// With a wrong attribute the function is still there for its callers: one error.
//~ #[timeout] needs a time

use resilience::timeout;

#[timeout]
async fn call() -> Result<u8, std::io::Error> {
    Ok(1)
}

pub async fn caller() -> u8 {
    call().await.unwrap_or_default()
}

fn main() {}
