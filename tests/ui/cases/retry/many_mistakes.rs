// Every mistake of one declaration is reported in one build, each under its token.
//~ errors: 6
//~ `max_attempts` of 1 never retries
//~ `sec` is not a unit of time
//~ write `s`
//~ `max` is below the first pause
//~ `loud` is not a kind of jitter
//~ #[retry] has no option `colour`
//~ #[timeout] has no option `afer`

use resilience::{retry, timeout};

#[retry(max_attempts = 1, backoff = exponential(5s, max = 1s), jitter = loud, colour = 3)]
#[timeout(2 sec, afer = 1)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
