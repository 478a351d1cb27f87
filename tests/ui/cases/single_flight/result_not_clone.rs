// A result that cannot be shared.
//~ `Quote` cannot be shared between calls
//~ derive `Clone` for `Quote`, or return an `Arc` of it

use resilience::single_flight;

struct Quote;

#[single_flight]
async fn call(id: u64) -> Result<Quote, std::io::Error> {
    let _id = id;
    Ok(Quote)
}

fn main() {}
