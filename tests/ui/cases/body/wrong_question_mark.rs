// An error that does not convert.
//~ couldn't convert the error to `std::io::Error`

use resilience::timeout;

#[timeout(1s)]
async fn call(text: String) -> Result<u32, std::io::Error> {
    Ok(text.parse::<u32>()?)
}

fn main() {}
