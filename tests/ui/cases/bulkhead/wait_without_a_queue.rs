// A wait for a place in no queue.
//~ `max_wait` without a queue: nobody waits
//~ write `max_queue = 10` beside it

use resilience::bulkhead;

#[bulkhead(max_concurrent = 3, max_wait = 1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
