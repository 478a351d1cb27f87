// A fallback without an answer.
//~ #[fallback] needs another answer
//~ write the path of a function

use resilience::fallback;

#[fallback]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
