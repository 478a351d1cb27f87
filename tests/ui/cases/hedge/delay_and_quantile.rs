// Two ways to say when.
//~ `delay` and `quantile` exclude each other
//~ keep one

use resilience::hedge;

#[hedge(delay = 50ms, quantile = 0.95, initially = 50ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
