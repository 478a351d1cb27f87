// A number without its name.
//~ `5` is not a path

use resilience::bulkhead;

#[bulkhead(5)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
