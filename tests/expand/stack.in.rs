/// Takes the money.
#[retry(max_attempts = 3, backoff = exponential(100ms, factor = 2, max = 5s), retry_on = PayError::Busy { .. } | PayError::TimedOut)]
#[circuit_breaker(name = "gateway", failure_threshold = 5, open_for = 30s)]
#[timeout(800ms)]
pub async fn charge(&self, tenant: &str, order: Order) -> Result<Receipt, PayError> {
    let quote = self.quote(&order).await?;
    self.gateway.charge(tenant, order, quote).await
}
