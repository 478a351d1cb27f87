// A constant is evaluated by the compiler, also where nobody calls the function.
//~ `max_attempts` counts the first call too: a retry needs at least 2

use resilience::retry;

const MAX: u32 = 1;

#[retry(max_attempts = MAX)]
async fn call<T: Clone>(_value: T) -> Result<(), ()> {
    Ok(())
}

fn main() {}
