// An option that does not exist.
//~ #[fallback] has no option `valeu`
//~ did you mean `value`?

use resilience::fallback;

#[fallback(valeu = ())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
