// The time stands under a name that there is not: one mistake, not a missing time as well.
//~ #[timeout] has no option `duration`
//~ there is `after`
//~ errors: 1

use resilience::timeout;

#[timeout(duration = 5s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
