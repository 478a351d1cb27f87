//! Rate limits: how many calls begin when, who waits for how long, and what a key costs.

mod policy_rate_limit {
    mod keyed;
    mod model;
    mod names;
    mod rates;
    mod waiting;
}

use std::cell::Cell;
use std::future::ready;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Function, function};
use resilience_runtime::policy::rate_limit::RateLimit;

const SECOND: Duration = Duration::from_secs(1);

fn call() -> Function<Result<u32, Error>> {
    function::<Result<u32, Error>>("shop::charge")
}

fn leak(limit: RateLimit) -> &'static RateLimit {
    Box::leak(Box::new(limit))
}

fn limit(rate: u32, burst: u32) -> RateLimit {
    RateLimit::for_function("shop::charge")
        .rate(rate, SECOND)
        .burst(burst)
}

async fn admit(limit: &'static RateLimit) -> Result<u32, Error> {
    limit.admit(ready(Ok(7)), call()).await.into_result()
}

/// A body that says that it was started.
async fn starts(started: &Cell<u32>) -> Result<u32, Error> {
    started.set(started.get() + 1);
    Ok(7)
}
