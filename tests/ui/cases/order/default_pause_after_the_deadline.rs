// A pause that is not written outlives the deadline.
//~ nothing is ever retried: the first pause is at least 1s, and the deadline is 500ms

use resilience::retry;

#[retry(jitter = none, deadline = 500ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
