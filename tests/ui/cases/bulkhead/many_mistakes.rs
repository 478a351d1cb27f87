// Every mistake in one build.
//~ `max_concurrent` is a whole number
//~ write it without quotes, sign or fraction
//~ `1` has no unit
//~ `name` is a string literal
//~ write `name = "reports"`
//~ is given twice
//~ errors: 5

use resilience::bulkhead;

#[bulkhead(name = reports, max_concurrent = "3", max_queue = -1, max_wait = 1, max_wait = 2s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
