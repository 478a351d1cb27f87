// Options beside the path of a static.
//~ a shared retry has its options where it is defined
//~ move them to the `static`

use resilience::retry;

#[retry(STANDARD, max_attempts = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
