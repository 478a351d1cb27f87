// A quantile in per cent.
//~ `quantile` is more than 0 and at most 1
//~ write `quantile = 0.95`

use resilience::hedge;

#[hedge(quantile = 95, initially = 50ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
