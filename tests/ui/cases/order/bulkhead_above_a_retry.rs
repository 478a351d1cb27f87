// A place that is held by a call that waits.
//~ #[bulkhead] above #[retry] holds its place during the pauses
//~ move it below #[retry], or say `allow(bulkhead_held_in_pauses)`

use resilience::{bulkhead, retry};

#[bulkhead]
#[retry]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
