// An argument that has no name to pass it on by.
//~ #[fallback] passes arguments on by name, and this one has none
//~ name it, and take it apart in the body

use resilience::fallback;

#[fallback(from_cache)]
async fn call((low, high): (u8, u8)) -> Result<u8, std::io::Error> {
    Ok(high - low)
}

fn main() {}
