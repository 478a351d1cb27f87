// `transparent` has nobody to ask, or two.
//~ errors: 2
//~ `transparent` asks the only field, and `Policy` has 2
//~ `transparent` asks the only field, and `Gone` has 0
//~ give it one field, or another class

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(transparent)]
    Policy(resilience::Error, u32),
    #[classify(transparent)]
    Gone,
}

fn main() {}
