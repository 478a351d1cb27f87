// An option that does not exist.
//~ #[bulkhead] has no option `max_concurent`
//~ did you mean `max_concurrent`?

use resilience::bulkhead;

#[bulkhead(max_concurent = 3)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
