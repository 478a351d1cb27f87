// A wait of no time.
//~ `max_wait` must be longer than zero
//~ write a time such as `1s`

use resilience::bulkhead;

#[bulkhead(max_queue = 3, max_wait = 0s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
