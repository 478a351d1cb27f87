// A function that cannot await.
//~ #[retry] needs an `async fn`, and this is `const fn`
//~ write `async fn call`

use resilience::retry;

#[retry]
const fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
