// Every broken rule of one function in one build.
//~ `deadline` of 30s is never reached
//~ 4 attempts make up to 7s of pauses, and the timeout above is 5s
//~ #[bulkhead] above #[retry] holds its place
//~ #[fallback] hides every failure from the #[retry] above it
//~ errors: 4

use resilience::{bulkhead, fallback, retry, timeout};

#[bulkhead]
#[timeout(5s)]
#[retry(deadline = 30s)]
#[fallback(value = ())]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
