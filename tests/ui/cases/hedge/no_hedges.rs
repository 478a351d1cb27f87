// No second attempt.
//~ `max_hedges` must be at least 1
//~ write 1 or more

use resilience::hedge;

#[hedge(delay = 50ms, max_hedges = 0)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
