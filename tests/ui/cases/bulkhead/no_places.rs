// A bulkhead that lets nobody in.
//~ `max_concurrent` must be at least 1
//~ write 1 or more

use resilience::bulkhead;

#[bulkhead(max_concurrent = 0)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
