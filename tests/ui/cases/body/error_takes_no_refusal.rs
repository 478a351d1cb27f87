// The error type cannot carry a policy's failure.
//~ `PayError` cannot carry a policy's failure: it is not `From<resilience::Error>`
//~ write `impl From<resilience::Error> for PayError { .. }`

use resilience_runtime::outcome::function;

struct PayError;

fn main() {
    let _ = function::<Result<u32, PayError>>("charge");
}
