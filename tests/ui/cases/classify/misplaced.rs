// What is said of variants stands above the type, and the other way round.
//~ errors: 4
//~ an enum has a class for each variant, not one for all
//~ `crate` is said once, of the whole type
//~ `NotFound` has no class
//~ #[classify] has no option `krate`

use resilience::Classify;

#[derive(Classify)]
#[classify(permanent)]
enum FetchError {
    #[classify(permanent, crate = ::resilience)]
    Gone,
}

#[derive(Classify)]
struct NotFound;

#[derive(Classify)]
#[classify(krate = ::resilience)]
enum SendError {}

fn main() {}
