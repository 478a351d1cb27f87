// Two answers.
//~ a fallback is a function or a value, not both
//~ keep one

use resilience::fallback;

#[fallback(from_cache, value = ())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
