// An opaque type, which nobody can look into.
//~ `impl std::fmt::Debug` is not a `Result`
//~ return `Result<_, _>`

use resilience::retry;

#[retry]
async fn call() -> impl std::fmt::Debug {
    1
}

fn main() {}
