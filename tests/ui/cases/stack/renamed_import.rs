// An attribute under another name would silently become the outermost layer.
//~ this #[timeout] was not recognised by the attribute above it
//~ write it as `#[resilience::timeout]`

use resilience::retry;
use resilience::timeout as limit;

#[retry]
#[limit(1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
