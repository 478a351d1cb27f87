// `after` names a field that is no time.
//~ `after` names a field that says how long to wait, not a `u64`
//~ give the field the type `std::time::Duration` or `Option<Duration>`

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(throttled(after = seconds))]
    Busy { seconds: u64 },
}

fn main() {}
