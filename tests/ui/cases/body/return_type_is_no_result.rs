// The function returns no `Result`.
//~ a function under a `resilience` attribute returns a `Result`, not `u32`
//~ a policy that refuses a call has to say so

use resilience_runtime::outcome::function;

fn main() {
    let _ = function::<u32>("charge");
}
