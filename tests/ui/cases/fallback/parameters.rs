// A function that takes something else.
//~ arguments to this function are incorrect

use resilience::fallback;

#[fallback(from_cache)]
async fn quote(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

async fn from_cache(symbol: &str, error: std::io::Error) -> Result<u64, std::io::Error> {
    if symbol.is_empty() { Err(error) } else { Ok(1) }
}

fn main() {}
