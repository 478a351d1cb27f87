// A function that takes something else.
//~ mismatched types

use resilience::fallback;

#[fallback(from_cache)]
async fn quote(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

async fn from_cache(symbol: &str, _amount: u32, _error: String) -> Result<u64, std::io::Error> {
    Ok(symbol.len() as u64)
}

fn main() {}
