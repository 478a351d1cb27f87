// A function for another language.
//~ #[retry] needs an `async fn`, and this is `extern fn`
//~ write `async fn call`

use resilience::retry;

#[retry]
extern "C" fn call() -> Result<(), ()> {
    Ok(())
}

fn main() {}
