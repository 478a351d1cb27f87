// A function that answers for itself.
//~ `call` cannot answer for itself
//~ write the path of another async function

use resilience::fallback;

#[fallback(call)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
