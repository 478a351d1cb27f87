// Two timeouts that no retry tells apart.
//~ #[timeout] stands twice on this function
//~ keep one, or put #[retry] between them: then one bounds the whole call, and one each attempt

use resilience::{circuit_breaker, timeout};

#[timeout(10s)]
#[circuit_breaker]
#[timeout(2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
