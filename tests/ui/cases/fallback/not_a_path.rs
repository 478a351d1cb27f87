// A call where a path belongs.
//~ `from_cache()` is not a path
//~ write the path of an async function

use resilience::fallback;

#[fallback(from_cache())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
