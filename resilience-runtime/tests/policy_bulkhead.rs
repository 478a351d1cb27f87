//! Bulkheads: who runs, who waits, who is rejected, and whose place comes back when.

mod policy_bulkhead {
    mod deadlines;
    mod drops;
    #[cfg(feature = "metrics")]
    mod gauges;
    mod model;
    mod names;
    mod places;
}

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Function, function};
use resilience_runtime::policy::bulkhead::Bulkhead;
use tokio::time::sleep;

/// How long a body takes.
const WORK: Duration = Duration::from_millis(100);

fn call() -> Function<Result<u32, Error>> {
    function::<Result<u32, Error>>("shop::charge")
}

fn leak(bulkhead: Bulkhead) -> &'static Bulkhead {
    Box::leak(Box::new(bulkhead))
}

fn bulkhead(places: u32, seats: u32) -> Bulkhead {
    Bulkhead::for_function("shop::charge")
        .max_concurrent(places)
        .max_queue(seats)
}

async fn work() -> Result<u32, Error> {
    sleep(WORK).await;
    Ok(7)
}

fn counts(bulkhead: &'static Bulkhead) -> (u32, u32) {
    (bulkhead.running(), bulkhead.waiting())
}
