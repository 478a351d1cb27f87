// A dropped call that counts as something else.
//~ `on_cancel` cannot be `success`
//~ there is `ignore` and `failure`

use resilience::circuit_breaker;

#[circuit_breaker(on_cancel = success)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
