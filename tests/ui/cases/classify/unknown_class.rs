// The class is misspelt, is another word, has a value, has parentheses, or is not there.
//~ errors: 5
//~ `transiet` is not a class
//~ did you mean `transient`?
//~ `fatal` is not a class
//~ there is `transient`, `throttled`, `permanent`, `ignored` and `transparent`
//~ `permanent` has no value
//~ `ignored` takes nothing in parentheses
//~ #[classify] has no class

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(transiet)]
    Busy,
    #[classify(fatal)]
    Broken,
    #[classify(permanent = true)]
    Gone,
    #[classify(ignored(always))]
    Cancelled,
    #[classify]
    Lost,
}

fn main() {}
