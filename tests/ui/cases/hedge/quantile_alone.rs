// Nothing is known at the start.
//~ `quantile` needs a delay for the time before enough calls were seen
//~ write `initially = 50ms` beside it

use resilience::hedge;

#[hedge(quantile = 0.95)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
