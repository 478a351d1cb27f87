// A fallback that hides every failure.
//~ #[fallback] hides every failure from the #[retry] above it
//~ move #[fallback] above #[retry]

use resilience::{fallback, retry};

#[retry]
#[fallback(value = ())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
