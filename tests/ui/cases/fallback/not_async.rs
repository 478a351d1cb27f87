// A function that is not async.
//~ is not a future

use resilience::fallback;

#[fallback(from_cache)]
async fn quote(symbol: &str, amount: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(amount) + symbol.len() as u64)
}

fn from_cache(_symbol: &str, _amount: u32, error: std::io::Error) -> Result<u64, std::io::Error> {
    Err(error)
}

fn main() {}
