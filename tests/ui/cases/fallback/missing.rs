// A function that is not there.
//~ cannot find function `from_cache` in this scope

use resilience::fallback;

#[fallback(from_cache)]
async fn quote(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

fn main() {}
