// A second attempt that joins the first.
//~ #[hedge] can never help: the #[single_flight] below it makes the second attempt wait for the first

use resilience::{hedge, single_flight};

#[hedge(delay = 50ms)]
#[single_flight]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
