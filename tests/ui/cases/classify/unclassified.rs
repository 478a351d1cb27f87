// A variant has no class, and another only a class above its field: both are said in one build.
//~ errors: 2
//~ `Timeout` has no class
//~ write `#[classify(..)]` above it, with `transient`, `throttled`, `permanent`, `ignored` or `transparent`
//~ a field has no class
//~ write it above the variant

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(transient)]
    Busy,
    Timeout,
    Io(#[classify(transparent)] resilience::Error),
}

// Users of the trait have no second error.
fn main() {
    let _ = FetchError::Busy.classify();
}
