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

async fn all() {
    let _ = call().await;
}

fn main() {
    let _calls = all();
}
