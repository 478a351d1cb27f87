// Options beside the path of a static.
//~ a shared breaker has its options where it is defined
//~ move them to the `static`

use resilience::circuit_breaker;

#[circuit_breaker(WAREHOUSE, open_for = 3s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
