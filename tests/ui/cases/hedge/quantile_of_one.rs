// The slowest call ever.
//~ `quantile` of 1 is the slowest call ever seen: no call would be hedged

use resilience::hedge;

#[hedge(quantile = 1.0, initially = 50ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
