// A variant has two classes.
//~ errors: 2
//~ `Busy` has a class already: `transient`
//~ `Gone` has a class already: `permanent`
//~ keep one

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(transient)]
    #[classify(throttled)]
    Busy,
    #[classify(permanent, ignored)]
    Gone,
}

fn main() {}
