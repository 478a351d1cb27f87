// A mistake in the body is reported where it is, as without the attribute.
//~ mismatched types

use resilience::{retry, timeout};

#[retry]
#[timeout(1s)]
async fn call(name: String) -> Result<u32, std::io::Error> {
    let n: u32 = name;
    Ok(n)
}

fn main() {}
