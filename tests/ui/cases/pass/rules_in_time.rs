// What the rules must not report: everything is just in time.

use std::time::Duration;

use resilience::{circuit_breaker, fallback, hedge, idempotent, retry, timeout};

const LIMIT: Duration = Duration::from_secs(7);
const ATTEMPTS: u32 = 4;

#[timeout(7s)]
#[retry]
async fn literal() -> Result<(), std::io::Error> {
    Ok(())
}

#[timeout(LIMIT)]
#[retry(max_attempts = ATTEMPTS)]
#[circuit_breaker(failure_threshold = 5)]
async fn constant() -> Result<(), std::io::Error> {
    Ok(())
}

#[timeout(LIMIT)]
#[circuit_breaker(slow_call_rate = 0.5, slow_call_duration = 7s)]
async fn slow() -> Result<(), std::io::Error> {
    Ok(())
}

#[timeout(15s)]
#[retry]
#[timeout(2s)]
async fn two_timeouts() -> Result<(), std::io::Error> {
    Ok(())
}

#[retry(deadline = 15s)]
#[timeout(2s)]
async fn sum() -> Result<(), std::io::Error> {
    Ok(())
}

#[idempotent(key = number)]
#[timeout(1001ms)]
#[hedge(delay = 1s, allow(hedge_without_idempotency))]
async fn hedged(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

#[circuit_breaker(half_open_success_rate = 0.5, success_threshold = 3, recovery = 0.25)]
async fn recovers() -> Result<(), std::io::Error> {
    Ok(())
}

#[tracing::instrument]
#[retry]
#[allow(clippy::unused_async)]
#[timeout(1s)]
#[tracing::instrument]
async fn beside() -> Result<(), std::io::Error> {
    Ok(())
}

mod cache {
    pub(crate) async fn quote(number: u32, _error: std::io::Error) -> Result<u32, std::io::Error> {
        Ok(number)
    }
}

#[fallback(cache::quote)]
async fn quote(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

async fn all() {
    let _ = (beside().await, literal().await, constant().await, sum().await, two_timeouts().await, recovers().await, slow().await, hedged(1).await, quote(1).await);
}

fn main() {
    let _calls = all();
}
