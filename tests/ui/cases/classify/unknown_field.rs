// `after` names a field that is not there.
//~ errors: 5
//~ `Busy` has no field `retry_afer`
//~ did you mean `retry_after`?
//~ `Full` has no field `2`
//~ there is `0` and `1`
//~ `Down` has no field `after`
//~ write `throttled`
//~ `after` names a field of this variant
//~ throttled(..) has no option `until`

use std::time::Duration;

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(throttled(after = retry_afer))]
    Busy { retry_after: Duration },
    #[classify(throttled(after = 2))]
    Full(u32, Duration),
    #[classify(throttled(after = after))]
    Down,
    #[classify(throttled(after = 2 * pause))]
    Slow { pause: Duration },
    #[classify(throttled(until = pause))]
    Late { pause: Duration },
}

fn main() {}
