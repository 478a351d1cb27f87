// A unit that does not exist.
//~ `sek` is not a unit of time

use resilience::timeout;

#[timeout("2 sek")]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
