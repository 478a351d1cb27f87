#[retry(max_attempts = ATTEMPTS, backoff = fixed(PAUSE), jitter = none, deadline = DEADLINE)]
#[circuit_breaker(failure_threshold = 10, open_for = OPEN_FOR)]
#[timeout(2s)]
async fn charge(order: Order) -> Result<Receipt, PayError> {
    gateway().charge(order).await
}
