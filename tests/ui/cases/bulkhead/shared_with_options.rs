// Options beside the path of a static.
//~ a shared bulkhead has its options where it is defined
//~ move them to the `static`

use resilience::bulkhead;

#[bulkhead(REPORTS, max_queue = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
