// A function that does not take the error.
//~ this function takes 2 arguments but 3 arguments were supplied

use resilience::fallback;

#[fallback(from_cache)]
async fn quote(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

async fn from_cache(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

fn main() {}
