// A rate per no time.
//~ `per` must be longer than zero
//~ write a time such as `1s`

use resilience::rate_limit;

#[rate_limit(rate = 10, per = 0s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
