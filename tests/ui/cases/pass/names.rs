// Constants and statics that are called as the attributes call theirs.

use std::time::Duration;

use resilience::{Bulkhead, CircuitBreaker, RateLimit, Retry, bulkhead, circuit_breaker, rate_limit, retry, timeout};

const TIMEOUT: Duration = Duration::from_secs(1);
static RETRY: Retry = Retry::max_attempts(3);
static BREAKER: CircuitBreaker = CircuitBreaker::named("a");
static BULKHEAD: Bulkhead = Bulkhead::named("a");
static LIMIT: RateLimit = RateLimit::named("a");

#[retry(RETRY)]
#[rate_limit(LIMIT)]
#[bulkhead(BULKHEAD)]
#[circuit_breaker(BREAKER)]
#[timeout(TIMEOUT)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

// Names, and not the numbers that they can be read as.
const INF: f64 = 2.0;
const NAN: f64 = 0.5;

#[retry(max_attempts = 2, backoff = exponential(1ms, factor = INF, max = 1s))]
#[circuit_breaker(failure_rate = NAN)]
async fn rated() -> Result<(), std::io::Error> {
    Ok(())
}

async fn all() {
    let _ = (call().await, rated().await);
}

fn main() {
    let _calls = all();
}
