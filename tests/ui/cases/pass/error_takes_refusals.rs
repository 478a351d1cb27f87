// The error type has a variant for a policy's failure.

use resilience_runtime::error::Error;
use resilience_runtime::outcome::function;

#[derive(Debug, thiserror::Error)]
enum PayError {
    #[error(transparent)]
    Resilience(#[from] Error),
}

fn main() {
    let _ = function::<Result<u32, PayError>>("charge");
}
