// What is probably not meant, and is.

use resilience::{
    bulkhead, circuit_breaker, fallback, hedge, idempotent, locked, retry, timeout,
};

#[derive(Debug)]
enum Failure {
    Busy,
    Refused(resilience::Error),
}

impl From<resilience::Error> for Failure {
    fn from(error: resilience::Error) -> Self {
        Self::Refused(error)
    }
}

const ATTEMPTS: u32 = 9;

#[bulkhead(allow(bulkhead_held_in_pauses, retry_opens_breaker))]
#[timeout(5s)]
#[retry(max_attempts = ATTEMPTS, allow(attempts_exceed_deadline))]
#[circuit_breaker(failure_threshold = 3)]
async fn above() -> Result<(), Failure> {
    Ok(())
}

#[retry(retry_on = Failure::Busy, allow(separated_attributes))]
#[tracing::instrument]
#[timeout(1s, allow(retry_skips_timeout))]
async fn below() -> Result<(), Failure> {
    Err(Failure::Busy)
}

#[idempotent(key = number, allow(idempotent_stores_fallback))]
#[fallback(value = 1)]
async fn stored(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
async fn read(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

const LEASE: std::time::Duration = std::time::Duration::from_secs(1);

#[locked(key = number, allow(order))]
#[idempotent(key = number)]
async fn replayed_in_turn(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

#[locked(key = number, allow(order))]
#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
async fn two_in_a_lock(number: u32) -> Result<u32, std::io::Error> {
    Ok(number)
}

#[idempotent(lease = LEASE)]
#[locked(key = number, lease = 1s, allow(outlasts_lease))]
#[retry]
async fn held_for_long(number: u32) -> Result<u32, Failure> {
    Ok(number)
}

async fn all() -> Option<Failure> {
    let _ = (stored(1).await, read(1).await, below().await);
    let _ = (replayed_in_turn(1).await, two_in_a_lock(1).await, held_for_long(1).await);
    above().await.err()
}

fn main() {
    let _calls = all();
}
