// A function that answers with something else.
//~ mismatched types

use resilience::fallback;

#[fallback(from_cache)]
async fn quote(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

async fn from_cache(_symbol: &str, _amount: u32, _error: std::io::Error) -> Result<String, std::io::Error> {
    Ok(String::new())
}

fn main() {}
